//! Rows as they should not be.

use serde_json::{Value, json};

use crate::faults::{Effect, MAX_PADDING};

/// Names that are hard on programs.
const ODD_NAMES: [&str; 8] = [
    "\u{202e}gnp.tnemucod\u{202c}",
    "do\u{200b}not\u{200d}touch\u{feff}",
    "e\u{301}e\u{301}e\u{301} Z\u{334}\u{335}\u{336}\u{337}a\u{338}l\u{321}go",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466} \u{1f1e9}\u{1f1ea}",
    "   ",
    "tab\tline\nreturn\rnull\u{0}bell\u{7}",
    "=HYPERLINK(\"http://example.com\")",
    "<script>alert('name')</script> \u{2066}\u{fffd}\u{10ffff}",
];
/// The name of thousands of characters.
const LONG: usize = 8_000;
const NAMES: [&str; 3] = ["displayName", "name", "profileName"];
/// A member that is put in, and taken for one that stands there twice.
const TWICE: &str = "\"@sim.twice\":true";
/// Ends a name, and is taken for what no text can hold.
const BROKEN: &str = "@sim.broken";
/// A member's value that is taken for what no value can hold.
const BEYOND: &str = "\"@sim.beyond\"";
/// The most levels of nesting and the most characters of a name.
const MOST: usize = 100_000;
/// The most that is put into each of many rows.
const MOST_PER_ROW: usize = 1024 * 1024;

/// Spoils rows; a body without rows is one. Returns whether the effect is one on rows.
pub(super) fn spoil(body: &mut Value, effect: &Effect) -> bool {
    let is_list = body["value"].is_array();
    let rows = match body.get_mut("value") {
        Some(Value::Array(rows)) => rows.as_mut_slice(),
        _ => std::slice::from_mut(body),
    };
    match effect {
        Effect::OddNames => give_odd_names(rows),
        Effect::LargeRows { bytes } => {
            for row in rows.iter_mut().filter(|row| row.is_object()) {
                row["@microsoft.graph.tips"] = json!("x".repeat(*bytes.min(&MOST_PER_ROW)));
            }
        }
        _ => {
            let Some(at) = place(effect) else {
                return false;
            };
            let only_in_lists =
                matches!(effect, Effect::NullRow { .. } | Effect::RowWithoutId { .. });
            if let Some(row) = rows.get_mut(at).filter(|row| row.is_object())
                && (is_list || !only_in_lists)
            {
                spoil_one(row, effect);
            }
        }
    }
    true
}

/// Which row an effect is on, if it is on one.
fn place(effect: &Effect) -> Option<usize> {
    match effect {
        Effect::UnknownEnum
        | Effect::UnknownType
        | Effect::NullName
        | Effect::HugeRow { .. }
        | Effect::WideRow { .. }
        | Effect::DuplicateKeys => Some(0),
        Effect::NullRow { row }
        | Effect::RowWithoutId { row }
        | Effect::LoneSurrogate { row }
        | Effect::InvalidUtf8 { row }
        | Effect::HugeNumber { row }
        | Effect::DeepNesting { row, .. }
        | Effect::LongName { row, .. } => Some(*row),
        _ => None,
    }
}

fn give_odd_names(rows: &mut [Value]) {
    for (number, row) in rows.iter_mut().enumerate() {
        let name = match ODD_NAMES.get(number % (ODD_NAMES.len() + 1)) {
            Some(name) => (*name).to_owned(),
            None => "long ".repeat(LONG / 5),
        };
        rename(row, |_| json!(name));
    }
}

fn spoil_one(row: &mut Value, effect: &Effect) {
    let broken = |name: &Value| json!(format!("{}{BROKEN}", name.as_str().unwrap_or_default()));
    match effect {
        Effect::UnknownEnum => unknown_enum(row),
        Effect::UnknownType => row["@odata.type"] = json!("#microsoft.graph.brandNewPolicy"),
        Effect::NullName => rename(row, |_| Value::Null),
        Effect::WideRow { bytes } => {
            let small = json!({"a": 0});
            let count = bytes.min(&MAX_PADDING) / small.to_string().len();
            row["@microsoft.graph.tips"] = Value::Array(vec![small; count]);
        }
        Effect::HugeRow { bytes } => {
            row["brandNewMember"] = json!("x".repeat(*bytes.min(&MAX_PADDING)));
        }
        Effect::DuplicateKeys => row["@sim.twice"] = json!(true),
        Effect::NullRow { .. } => *row = Value::Null,
        Effect::RowWithoutId { .. } => {
            if let Value::Object(members) = row {
                members.remove("id");
            }
        }
        Effect::LoneSurrogate { .. } | Effect::InvalidUtf8 { .. } => {
            rename(row, broken);
            if !NAMES.iter().any(|name| row.get(*name).is_some()) {
                row["description"] = broken(&row["description"]);
            }
        }
        Effect::HugeNumber { .. } | Effect::DeepNesting { .. } => {
            row["brandNewMember"] = json!(BEYOND.trim_matches('"'));
        }
        Effect::LongName { characters, .. } => {
            let name = long_name(*characters.min(&MOST));
            rename(row, |_| json!(name));
        }
        _ => {}
    }
}

/// A name of Chinese characters that follow no pattern.
fn long_name(characters: usize) -> String {
    let sign = |step: usize| {
        let code = 0x4e00 + u32::try_from(step * 7_919 % 20_000).unwrap_or(0);
        char::from_u32(code).unwrap_or('\u{4e00}')
    };
    (0..characters).map(sign).collect()
}

fn rename(row: &mut Value, name: impl Fn(&Value) -> Value) {
    for known in NAMES {
        if let Some(old) = row.get_mut(known) {
            *old = name(old);
        }
    }
}

/// Gives a member of the row that is one of an enumeration a value of tomorrow.
fn unknown_enum(row: &mut Value) {
    if row["templateReference"].is_object() {
        row["templateReference"]["templateFamily"] = json!("brandNewFamily");
        return;
    }
    let known = [
        "state",
        "platform",
        "publishingState",
        "runAsAccount",
        "appGroupType",
    ];
    let member = known.iter().find(|name| row.get(**name).is_some());
    row[*member.unwrap_or(&"state")] = json!("brandNewValue");
}

/// Spoils what cannot be said in a value. Returns whether that leaves JSON that strict programs
/// refuse.
pub(super) fn spoil_text(body: &mut Vec<u8>, effect: &Effect) -> bool {
    let (mark, instead): (&str, Vec<u8>) = match effect {
        Effect::DuplicateKeys => {
            let members = "\"id\":\"another\",\"description\":\"twice\"";
            (TWICE, members.into())
        }
        Effect::LoneSurrogate { .. } => (BROKEN, br"\ud83d".to_vec()),
        Effect::InvalidUtf8 { .. } => (BROKEN, vec![0xe9]),
        Effect::HugeNumber { .. } => (BEYOND, b"1E+309".to_vec()),
        Effect::DeepNesting { levels, .. } => {
            let levels = *levels.min(&MOST);
            (
                BEYOND,
                ["[".repeat(levels), "]".repeat(levels)].concat().into(),
            )
        }
        _ => return false,
    };
    let text = String::from_utf8_lossy(body).into_owned();
    *body = text
        .split(mark)
        .map(str::as_bytes)
        .collect::<Vec<_>>()
        .join(&instead[..]);
    !matches!(effect, Effect::DuplicateKeys)
}
