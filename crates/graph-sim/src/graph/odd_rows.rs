//! Rows as they should not be.

use serde_json::{Value, json};

use super::paging::MAX_PADDING;
use crate::faults::Effect;

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

/// Spoils rows.
pub(super) fn spoil(rows: &mut [Value], effect: &Effect) {
    if matches!(effect, Effect::OddNames) {
        for (number, row) in rows.iter_mut().enumerate() {
            let name = match ODD_NAMES.get(number % (ODD_NAMES.len() + 1)) {
                Some(name) => (*name).to_owned(),
                None => "long ".repeat(LONG / 5),
            };
            rename(row, &json!(name));
        }
        return;
    }
    let Some(row) = rows.first_mut() else { return };
    match effect {
        Effect::UnknownEnum => unknown_enum(row),
        Effect::UnknownType => row["@odata.type"] = json!("#microsoft.graph.brandNewPolicy"),
        Effect::NullName => rename(row, &Value::Null),
        Effect::HugeRow { bytes } => {
            row["brandNewMember"] = json!("x".repeat(*bytes.min(&MAX_PADDING)));
        }
        Effect::DuplicateKeys => row["@sim.twice"] = json!(true),
        _ => {}
    }
}

fn rename(row: &mut Value, name: &Value) {
    for known in NAMES {
        if row.get(known).is_some() {
            row[known] = name.clone();
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

/// Spoils what cannot be said in a value.
pub(super) fn spoil_text(body: &mut Vec<u8>, effect: &Effect) {
    if matches!(effect, Effect::DuplicateKeys) {
        let text = String::from_utf8_lossy(body);
        *body = text
            .replace(TWICE, "\"id\":\"another\",\"description\":\"twice\"")
            .into_bytes();
    }
}
