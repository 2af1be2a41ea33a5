//! The OpenAPI document without its texts, which may be improved at any time.

use serde_json::Value;

use crate::intended::intended;
use crate::later;
use crate::recorded::{hold, recorded};

/// Members that hold texts or examples and no promise.
const TEXTS: [&str; 5] = ["description", "summary", "title", "example", "examples"];
/// Members whose own members are names that the API chose: a property may be called `title`.
const NAMED: [&str; 8] = [
    "properties",
    "schemas",
    "parameters",
    "responses",
    "headers",
    "paths",
    "content",
    "securitySchemes",
];

fn without_texts(value: &Value, named: bool) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, member)| {
                // A text is no object, but examples are.
                named || !TEXTS.contains(&name.as_str()) || (*name == "title" && member.is_object())
            });
            let kept = kept.map(|(name, member)| {
                let names = !named && NAMED.contains(&name.as_str());
                (name.clone(), without_texts(member, names))
            });
            Value::Object(kept.collect())
        }
        Value::Array(elements) => Value::Array(
            elements
                .iter()
                .map(|one| without_texts(one, false))
                .collect(),
        ),
        other => other.clone(),
    }
}

#[test]
fn the_document_describes_what_it_did() {
    let document = serde_json::from_str(&atlas_api::document()).unwrap();
    let mut document = without_texts(&document, false);
    if let Some(recorded) = recorded("openapi.json") {
        document = later::without_operations(document, &intended("openapi.json", recorded));
    }
    hold("openapi.json", &document);
}

#[test]
fn texts_are_left_out_and_properties_of_their_names_are_not() {
    let text = r#"{"description": "x", "schema": {"title": "x", "properties":
        {"title": {"type": "string", "description": "x"}, "properties": {"description": "x"}}}}"#;
    let kept = without_texts(&serde_json::from_str(text).unwrap(), false);
    let expected = r#"{"schema": {"properties": {"title": {"type": "string"}, "properties": {}}}}"#;
    let expected: Value = serde_json::from_str(expected).unwrap();
    assert_eq!(kept, expected);
}
