//! Reading one row, and repairing what serde refuses in it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::MutexGuard;

use atlas_domain::failure::RowDefect;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::weight;

/// Objects and lists inside of each other that are kept of a row, the row itself included. Serde
/// reads 127 back; the difference is for what the interface and the record of changes put around a
/// row or a part of it.
const DEEPEST: usize = 120;

/// Larger rows are not repaired: each level in them is read once more, and a hostile one would keep a
/// processor for minutes.
pub(crate) const LARGEST_REPAIR: usize = 4 * 1024 * 1024;

/// Stands where something deeper was.
const CUT: &str = "(nested too deeply)";

/// A row that is not read yet.
#[derive(Debug)]
pub(crate) struct RawRow<'a> {
    text: Cow<'a, str>,
    /// Whether bytes that are not UTF-8 became U+FFFD.
    replaced: bool,
}

/// A row that could be read.
#[derive(Debug)]
pub(crate) struct Row {
    /// An object.
    pub(crate) value: Value,
    /// The first thing in it that is not as it was sent.
    pub(crate) defect: Option<RowDefect>,
    /// Its members that are not as they were sent.
    pub(crate) altered: BTreeSet<String>,
    /// Held while a large one is in memory.
    pub(crate) alone: Option<MutexGuard<'static, ()>>,
}

impl<'a> From<&'a RawValue> for RawRow<'a> {
    fn from(value: &'a RawValue) -> Self {
        Self {
            text: Cow::Borrowed(value.get()),
            replaced: false,
        }
    }
}

impl<'a> RawRow<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            // It could become three times as large, and is not repaired.
            Err(_) if bytes.len() > LARGEST_REPAIR => Cow::Owned(String::new()),
            Err(_) => String::from_utf8_lossy(bytes),
        };
        Self {
            replaced: matches!(text, Cow::Owned(_)),
            text,
        }
    }

    /// The same row without one of its members, which is not read. `None` where it has no such member,
    /// or is no object that was sent as it should be.
    pub(crate) fn without(&self, member: &str) -> Option<RawRow<'static>> {
        let mut members: BTreeMap<String, &RawValue> = self.strictly_shallow()?;
        members.remove(member)?;
        Some(RawRow {
            text: Cow::Owned(serde_json::to_string(&members).ok()?),
            replaced: false,
        })
    }

    fn strictly_shallow(&self) -> Option<BTreeMap<String, &RawValue>> {
        (!self.replaced)
            .then(|| serde_json::from_str(&self.text).ok())
            .flatten()
    }

    /// The row as text, as it was sent.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Reads it as what it is to be, when nothing is wrong with it.
    pub(crate) fn strict<T: DeserializeOwned>(&self) -> Option<T> {
        let _alone = weight::admit(self.text.as_bytes()).ok()?;
        self.strictly()
    }

    fn strictly<T: DeserializeOwned>(&self) -> Option<T> {
        (!self.replaced)
            .then(|| serde_json::from_str(&self.text).ok())
            .flatten()
    }

    /// Reads it.
    ///
    /// # Errors
    /// The defect of a row that cannot be used.
    pub(crate) fn read(&self) -> Result<Row, RowDefect> {
        let alone = weight::admit(self.text.as_bytes()).map_err(|_| RowDefect::Unreadable)?;
        let strict = self.strictly();
        let row = match strict.filter(|value| is_shallow(value, DEEPEST)) {
            Some(value) => Row {
                value,
                defect: None,
                altered: BTreeSet::new(),
                alone,
            },
            None if self.text.len() > LARGEST_REPAIR => return Err(RowDefect::Unreadable),
            None => Row {
                alone,
                ..Repair::of(self)?
            },
        };
        match row.value {
            Value::Object(_) => Ok(row),
            _ => Err(RowDefect::NotAnObject),
        }
    }
}

/// Whether no more than `levels` objects and lists are inside of each other.
fn is_shallow(value: &Value, levels: usize) -> bool {
    let below = |value: &Value| is_shallow(value, levels - 1);
    match value {
        Value::Object(members) => levels > 0 && members.values().all(below),
        Value::Array(elements) => levels > 0 && elements.iter().all(below),
        _ => true,
    }
}

/// Reads what serde refuses for a reason that concerns one value in it.
struct Repair {
    /// Whether U+FFFD stands for bytes that were something else.
    replaced: bool,
    defect: Option<RowDefect>,
    repairs: usize,
}

impl Repair {
    fn of(raw: &RawRow<'_>) -> Result<Row, RowDefect> {
        let text = raw.text.trim_ascii();
        let mut repair = Self {
            replaced: raw.replaced,
            defect: None,
            repairs: 0,
        };
        let mut altered = BTreeSet::new();
        let value = repair.top(text, &mut altered);
        let value = value.map_err(|_| RowDefect::Unreadable)?;
        Ok(Row {
            value,
            defect: repair.defect,
            altered,
            alone: None,
        })
    }

    /// The row itself, whose altered members are noted.
    fn top(&mut self, text: &str, altered: &mut BTreeSet<String>) -> serde_json::Result<Value> {
        if !text.starts_with('{') {
            return self.value(text, 1);
        }
        let mut members = Map::new();
        for (name, value) in serde_json::from_str::<Members<'_>>(text)?.0 {
            let before = self.repairs;
            let name = self.text(name);
            let value = self.value(value.get(), 2)?;
            if self.repairs > before {
                altered.insert(name.clone());
            }
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }

    /// A value at this level.
    fn value(&mut self, text: &str, level: usize) -> serde_json::Result<Value> {
        Ok(match text.as_bytes().first() {
            Some(b'{' | b'[') if level > DEEPEST => {
                self.note(RowDefect::NestingCut);
                Value::from(CUT)
            }
            Some(b'{') => {
                let mut members = Map::new();
                for (name, value) in serde_json::from_str::<Members<'_>>(text)?.0 {
                    let name = self.text(name);
                    members.insert(name, self.value(value.get(), level + 1)?);
                }
                Value::Object(members)
            }
            Some(b'[') => {
                let elements: Vec<&RawValue> = serde_json::from_str(text)?;
                let elements = elements.into_iter();
                let elements = elements.map(|element| self.value(element.get(), level + 1));
                Value::Array(elements.collect::<Result<_, _>>()?)
            }
            Some(b'"') => Value::String(self.text(serde_json::from_str(text)?)),
            Some(b'-' | b'0'..=b'9') => serde_json::from_str(text).or_else(|_| {
                // Serde found its form good before: it is too large.
                serde_json::from_str::<&RawValue>(text)?;
                self.note(RowDefect::NumberAsText);
                Ok::<_, serde_json::Error>(Value::from(text))
            })?,
            _ => serde_json::from_str(text)?,
        })
    }

    fn text(&mut self, text: Text) -> String {
        let reported = self.replaced && text.text.contains(char::REPLACEMENT_CHARACTER);
        if text.replaced || reported {
            self.note(RowDefect::TextReplaced);
        }
        text.text
    }

    fn note(&mut self, defect: RowDefect) {
        self.defect.get_or_insert(defect);
        self.repairs += 1;
    }
}

/// The members of an object, each value as the text that it is.
struct Members<'a>(Vec<(Text, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visit;

        impl<'de> Visitor<'de> for Visit {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        from.deserialize_map(Visit)
    }
}

/// Text with U+FFFD for each half of a surrogate pair that is without the other.
struct Text {
    text: String,
    replaced: bool,
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visit;

        impl Visitor<'_> for Visit {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text::of(bytes))
            }
        }

        // As bytes, serde_json hands out halves of surrogate pairs, each in three bytes.
        from.deserialize_bytes(Visit)
    }
}

impl Text {
    fn of(mut bytes: &[u8]) -> Self {
        const HALF: usize = 3;
        let mut text = String::with_capacity(bytes.len());
        let mut replaced = false;
        loop {
            match std::str::from_utf8(bytes) {
                Ok(rest) => {
                    text.push_str(rest);
                    return Self { text, replaced };
                }
                Err(error) => {
                    let (good, rest) = bytes.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(good));
                    text.push(char::REPLACEMENT_CHARACTER);
                    replaced = true;
                    bytes = rest.get(HALF..).unwrap_or_default();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Row, RowDefect> {
        RawRow::of(text.as_bytes()).read()
    }

    fn altered(row: &Row) -> Vec<&str> {
        row.altered.iter().map(String::as_str).collect()
    }

    #[test]
    fn halves_of_surrogate_pairs_are_replaced_one_for_one_and_whole_pairs_stay() {
        let row = read(
            r#"{"id": "a", "n": "x\ud83d", "m": ["\udc00\ud83d\ude00\ud83dy", "é"], "\ud800": 1}"#,
        )
        .unwrap();
        assert_eq!(
            row.value,
            json!({"id": "a", "n": "x\u{FFFD}", "m": ["\u{FFFD}😀\u{FFFD}y", "é"], "\u{FFFD}": 1})
        );
        assert_eq!(row.defect, Some(RowDefect::TextReplaced));
        assert_eq!(altered(&row), ["m", "n", "\u{FFFD}"]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced_and_the_members_that_hold_them_are_known() {
        let raw =
            RawRow::of(b"{\"id\": \"a\", \"n\": {\"x\": \"caf\xE9\"}, \"m\": \"caf\xC3\xA9\"}");
        let row = raw.read().unwrap();
        assert_eq!(
            row.value,
            json!({"id": "a", "n": {"x": "caf\u{FFFD}"}, "m": "café"})
        );
        assert_eq!(row.defect, Some(RowDefect::TextReplaced));
        assert_eq!(altered(&row), ["n"]);
        // That text which was sent so is as it was sent.
        let row = read("{\"n\": \"\u{FFFD}\"}").unwrap();
        assert_eq!(row.defect, None);
    }

    #[test]
    fn numbers_that_are_too_large_stay_as_their_text() {
        let row = read(r#"{"id": "a", "x": [1E+309, -2e400, 5], "y": 1e-999, "z": 1.5}"#).unwrap();
        assert_eq!(
            row.value,
            json!({"id": "a", "x": ["1E+309", "-2e400", 5], "y": 0.0, "z": 1.5})
        );
        assert_eq!(row.defect, Some(RowDefect::NumberAsText));
        assert_eq!(altered(&row), ["x"]);
    }

    #[test]
    fn what_is_nested_too_deeply_is_cut_and_its_neighbours_are_not() {
        for levels in [2, DEEPEST - 1, DEEPEST, 127, 130, 5_000] {
            for (open, close) in [("[", "]"), (r#"{"a": "#, "}")] {
                let inside = if open == "[" { "" } else { "{}" };
                let deep = format!("{}{inside}{}", open.repeat(levels), close.repeat(levels));
                let row = read(&format!(r#"{{"id": "a", "x": {deep}, "y": 1}}"#)).unwrap();
                assert_eq!(
                    (&row.value["id"], &row.value["y"]),
                    (&json!("a"), &json!(1))
                );
                assert!(is_shallow(&row.value, DEEPEST));
                let own = levels + usize::from(open != "[") + 1;
                let cut = (own > DEEPEST).then_some(RowDefect::NestingCut);
                assert_eq!(row.defect, cut, "{levels}");
                let text = row.value.to_string();
                assert_eq!(text.contains(CUT), cut.is_some());
                assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), row.value);
            }
        }
    }

    #[test]
    fn what_is_no_object_and_what_is_no_json_is_of_no_use() {
        for text in ["null", "7", "\"a\"", "[]", "1E999", "\"\\ud800\""] {
            assert_eq!(read(text).unwrap_err(), RowDefect::NotAnObject, "{text}");
        }
        for text in [
            "",
            "{",
            "NaN",
            "{\"a\": NaN}",
            "{\"a\": 01}",
            "{\"a\": \"\n\"}",
            "{\"a\": \"\\x\", \"b\": \"\\ud800\"}",
            "{\"a\": \"\\ud800\"} 1",
            "{\"a\": -}",
        ] {
            assert_eq!(read(text).unwrap_err(), RowDefect::Unreadable, "{text}");
        }
    }

    #[test]
    fn of_a_name_that_comes_twice_the_last_value_counts_also_in_repair() {
        let row = read(r#"{"id": "a", "id": "b", "x": "\ud800"}"#).unwrap();
        assert_eq!(row.value["id"], "b");
    }

    proptest! {
        #[test]
        fn what_needs_no_repair_reads_the_same_with_it(
            texts in prop::collection::vec(any::<String>(), 0..4),
            numbers in prop::collection::vec(any::<f64>().prop_filter("JSON has no others", |n| n.is_finite()), 0..4),
            whole in any::<i64>(),
        ) {
            let row = json!({"a": texts, "b": {"c": numbers, "d": [null, true]}, "e": whole});
            let text = row.to_string();
            let repaired = Repair::of(&RawRow::of(text.as_bytes())).unwrap();
            prop_assert_eq!(repaired.value, serde_json::from_str::<Value>(&text).unwrap());
            prop_assert_eq!(repaired.defect, None);
        }
    }
}
