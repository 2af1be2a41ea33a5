//! Holds answers against the description: what is served is what is promised. Of JSON Schema only
//! what the description uses; formats and patterns are left to the types behind them.

use std::sync::LazyLock;

use reqwest::Method;
use serde_json::Value;

use crate::harness::Reply;

/// The description.
pub(crate) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&atlas_api::document()).unwrap());

/// The schema that the description promises for an answer. `None` when the answer has no body or
/// comes from an address that is not described.
pub(crate) fn of_answer(method: &Method, path: &str, reply: &Reply) -> Option<&'static Value> {
    let operation = operation(method, path)?;
    let responses = &operation["responses"];
    let status = reply.status.as_u16().to_string();
    let response = resolve(responses.get(&status).unwrap_or(&responses["default"]));
    let content = response.get("content")?;
    let media = reply.header("content-type").to_owned();
    let described = content.get(media.as_str());
    Some(&described.unwrap_or_else(|| panic!("{path}: {media} is not described"))["schema"])
}

fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let given: Vec<&str> = path.split('/').collect();
    let fits = |described: &str| {
        let described: Vec<&str> = described.split('/').collect();
        described.len() == given.len()
            && described
                .iter()
                .zip(&given)
                .all(|(one, other)| one == other || one.starts_with('{'))
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    // An address without a parameter goes before one with.
    let item = paths.get(path).or_else(|| {
        paths
            .iter()
            .find(|(path, _)| fits(path))
            .map(|(_, item)| item)
    })?;
    item.get(method.as_str().to_ascii_lowercase())
}

/// Follows a reference.
pub(crate) fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(target) => DOCUMENT.pointer(target.strip_prefix('#').unwrap()).unwrap(),
        None => value,
    }
}

/// What of the value is not as the schema says, by place.
pub(crate) fn faults(schema: &'static Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(schema, value, "", &mut found);
    found
}

fn collect(schema: &'static Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let schema = resolve(schema);
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is = |expected: &Value| {
        expected == kind || (expected == "integer" && (value.is_u64() || value.is_i64()))
    };
    let is_expected = match &schema["type"] {
        Value::Null => true,
        Value::Array(several) => several.iter().any(is),
        one => is(one),
    };
    if !is_expected {
        found.push(format!("{place}: {kind} instead of {}", schema["type"]));
        return;
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{place}: {value} is none of {words:?}"));
    }
    match value {
        Value::Object(members) => {
            for required in schema["required"].as_array().into_iter().flatten() {
                if !members.contains_key(required.as_str().unwrap()) {
                    found.push(format!("{place}: {required} is missing"));
                }
            }
            for (name, member) in members {
                let place = format!("{place}/{name}");
                match schema["properties"].get(name) {
                    Some(property) => collect(property, member, &place, found),
                    None if schema["additionalProperties"] == false => {
                        found.push(format!("{place}: is not described"));
                    }
                    None => collect(&schema["additionalProperties"], member, &place, found),
                }
            }
        }
        Value::Array(items) => {
            limit(schema, "maxItems", items.len(), place, found);
            for (at, item) in items.iter().enumerate() {
                collect(&schema["items"], item, &format!("{place}/{at}"), found);
            }
        }
        Value::String(text) => limit(schema, "maxLength", text.chars().count(), place, found),
        Value::Number(number) => {
            let number = number.as_f64().unwrap();
            let below = schema["minimum"]
                .as_f64()
                .is_some_and(|least| number < least);
            let above = schema["maximum"].as_f64().is_some_and(|most| number > most);
            if below || above {
                found.push(format!("{place}: {number} is out of bounds"));
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn limit(schema: &Value, name: &str, length: usize, place: &str, found: &mut Vec<String>) {
    if schema[name]
        .as_u64()
        .is_some_and(|most| length as u64 > most)
    {
        found.push(format!("{place}: {length} exceeds {name}"));
    }
}

#[test]
fn every_example_of_the_description_is_as_its_schema_says() {
    let mut examples = 0;
    let mut holds = |place: &str, holder: &'static Value| {
        let Some(example) = holder.get("example") else {
            return;
        };
        let faults = faults(&holder["schema"], example);
        assert!(faults.is_empty(), "{place}: {faults:?}");
        examples += 1;
    };
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                holds(&place, resolve(parameter));
            }
            let responses = operation["responses"].as_object().unwrap().values();
            let described = responses.map(resolve).chain(operation.get("requestBody"));
            for media in described
                .filter_map(|one| one["content"].as_object())
                .flatten()
            {
                assert!(media.1.get("example").is_some(), "{place} has no example");
                holds(&place, media.1);
            }
        }
    }
    assert!(examples > 100, "{examples}");
}

#[test]
fn faults_are_found() {
    let schema = &DOCUMENT["components"]["schemas"]["UnreadCount"];
    let faults_of = |text: &str| faults(schema, &serde_json::from_str(text).unwrap()).len();
    assert_eq!(faults_of(r#"{"count":3,"capped":false}"#), 0);
    assert_eq!(faults_of(r#"{"count":101,"capped":"no","other":1}"#), 3);
    assert_eq!(faults_of(r#"{"count":null}"#), 2);
}
