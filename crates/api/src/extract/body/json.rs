//! JSON in which no member is given twice: of two readers of such a text, one sees the first value and
//! the other the last.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, de};
use serde_json::{Map, Number, Value};

/// A value, and the pointers of members that its text gives more than once.
pub(super) struct Read {
    pub(super) value: Value,
    pub(super) repeated: Vec<String>,
}

/// Reads a whole text.
pub(super) fn read(bytes: &[u8]) -> serde_json::Result<Read> {
    let repeated = RefCell::default();
    let place = Place {
        pointer: String::new(),
        repeated: &repeated,
    };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = place.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(Read {
        value,
        repeated: repeated.into_inner(),
    })
}

/// A name as a part of a pointer: RFC 6901, section 3.
pub(super) fn escaped(member: &str) -> String {
    member.replace('~', "~0").replace('/', "~1")
}

/// Where a value is, and the members that were given more than once so far.
struct Place<'a> {
    pointer: String,
    repeated: &'a RefCell<Vec<String>>,
}

impl Place<'_> {
    fn inner(&self, name: &str) -> Self {
        Self {
            pointer: format!("{}/{}", self.pointer, escaped(name)),
            repeated: self.repeated,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).map(Value::Number);
        number.ok_or_else(|| E::custom("a number that JSON does not have"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = elements.next_element_seed(self.inner(&all.len().to_string()))? {
            all.push(value);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let inner = self.inner(&name);
            let pointer = inner.pointer.clone();
            let value = members.next_value_seed(inner)?;
            if all.insert(name, value).is_some() {
                self.repeated.borrow_mut().push(pointer);
            }
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_serde_reads_it() {
        let text =
            r#"{"a": [1, -2, 2.5, "x", null, {"b": false}], "c": {}, "d": 18446744073709551615}"#;
        let read = read(text.as_bytes()).unwrap();
        assert_eq!(read.value, serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(read.repeated, [""; 0]);
    }

    #[test]
    fn members_that_are_given_twice_are_named_at_every_depth() {
        let text = r#"{"a": 1, "b": [{"c/d": 1, "c/d": 2}], "a": 1, "a": 2}"#;
        let read = read(text.as_bytes()).unwrap();
        assert_eq!(read.repeated, ["/b/0/c~1d", "/a", "/a"]);
    }

    #[test]
    fn text_that_is_no_json_is_refused_and_so_is_more_than_one_value() {
        for text in ["", "{", "{}{}", r#"{"a"}"#, "nul", &"[".repeat(1000)] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
