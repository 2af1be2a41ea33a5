//! Holds answers against the document: a status, a body or an extension member that the operation does
//! not declare is a fault. Of JSON Schema only what the document uses; formats and patterns are left to
//! the types behind them.

use std::sync::LazyLock;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::harness::Reply;

/// The description.
pub(crate) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&atlas_api::document()).unwrap());

/// What of an answer the operation does not declare. Nothing, when the address is not described. That
/// the document has `default` for errors that nobody foresaw permits none here.
pub(crate) fn faults_of_answer(method: &Method, path: &str, reply: &Reply) -> Vec<String> {
    let Some(operation) = operation(method, path) else {
        return Vec::new();
    };
    let status = reply.status.as_u16().to_string();
    let Some(response) = operation["responses"].get(&status).map(resolve) else {
        return vec![format!("{status} is not declared")];
    };
    let media = &response["content"][reply.header("content-type")];
    match (reply.text.is_empty(), media.is_object()) {
        (true, _) => Vec::new(),
        (false, false) => vec![format!("a body of this type is not declared for {status}")],
        (false, true) => {
            let mut found = faults(&media["schema"], &reply.body);
            if !reply.status.is_success() {
                found.extend(faults_of_problem(media, &reply.body));
            }
            found
        }
    }
}

/// The problem types of a refusal are its examples, each with every extension member it can have.
fn faults_of_problem(media: &Value, problem: &Value) -> Vec<String> {
    let examples = media["examples"].as_object().into_iter().flatten();
    let of_type: Vec<&Value> = examples
        .map(|(_, example)| &example["value"])
        .filter(|example| example["code"] == problem["code"])
        .collect();
    if of_type.is_empty() {
        return vec![format!("{} is not declared", problem["code"])];
    }
    let members = problem.as_object().into_iter().flatten();
    members
        .filter(|(name, _)| of_type.iter().all(|example| example.get(name).is_none()))
        .map(|(name, _)| format!("{name} is not declared for {}", problem["code"]))
        .collect()
}

pub(crate) fn operation(method: &Method, path: &str) -> Option<&'static Value> {
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
    match *method {
        Method::HEAD => item.get("get"),
        _ => item.get(method.as_str().to_ascii_lowercase()),
    }
}

/// Follows a reference.
pub(crate) fn resolve(value: &'static Value) -> &'static Value {
    resolve_in(&DOCUMENT, value)
}

/// Follows a reference of another document.
pub(crate) fn resolve_in<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(target) => document.pointer(target.strip_prefix('#').unwrap()).unwrap(),
        None => value,
    }
}

/// What of the value is not as the schema says, by place.
pub(crate) fn faults(schema: &'static Value, value: &Value) -> Vec<String> {
    faults_in(&DOCUMENT, schema, value)
}

/// The same, of another document.
pub(crate) fn faults_in(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(document, schema, value, "", &mut found);
    found
}

fn collect(document: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let schema = resolve_in(document, schema);
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
                    Some(property) => collect(document, property, member, &place, found),
                    // Clients read past members that they do not know; that ours are described is ours to
                    // hold.
                    None if schema["properties"].is_object() => {
                        found.push(format!("{place}: is not described"));
                    }
                    None => collect(
                        document,
                        &schema["additionalProperties"],
                        member,
                        &place,
                        found,
                    ),
                }
            }
        }
        Value::Array(items) => {
            limit(schema, "maxItems", items.len(), place, found);
            for (at, item) in items.iter().enumerate() {
                collect(
                    document,
                    &schema["items"],
                    item,
                    &format!("{place}/{at}"),
                    found,
                );
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
        let named = holder["examples"].as_object().into_iter().flatten();
        let named = named.map(|(_, example)| &example["value"]);
        let all: Vec<&Value> = holder.get("example").into_iter().chain(named).collect();
        assert!(!all.is_empty(), "{place} has no example");
        for example in all {
            let faults = faults(&holder["schema"], example);
            assert!(faults.is_empty(), "{place}: {faults:?}");
            examples += 1;
        }
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
                holds(&place, media.1);
            }
        }
    }
    assert!(examples > 100, "{examples}");
}

fn refusal(status: u16, text: &str) -> Reply {
    let media = HeaderValue::from_static("application/problem+json");
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::from_iter([(CONTENT_TYPE, media)]),
        text: text.to_owned(),
        body: serde_json::from_str(text).unwrap(),
    }
}

#[test]
fn statuses_problems_and_members_that_are_not_declared_are_found() {
    let faults = |status, text: &str| {
        faults_of_answer(&Method::GET, "/me", &refusal(status, text)).join("; ")
    };
    let problem = |code: &str, more: &str| {
        format!(
            r#"{{"type": "t", "title": "t", "status": 401, "code": "{code}", "detail": "d",
                "instance": "i", "request_id": "r"{more}}}"#
        )
    };
    assert_eq!(faults(401, &problem("token_expired", "")), "");
    assert_eq!(faults(418, "{}"), "418 is not declared");
    assert_eq!(
        faults(401, &problem("tenant_disabled", "")),
        r#""tenant_disabled" is not declared"#
    );
    assert_eq!(
        faults(401, &problem("token_expired", r#", "hint": "h""#)),
        r#"hint is not declared for "token_expired""#
    );
    let elsewhere = faults_of_answer(&Method::GET, "/nowhere", &refusal(418, "{}"));
    assert_eq!(elsewhere, [""; 0]);
}

#[test]
fn faults_are_found() {
    let schema = &DOCUMENT["components"]["schemas"]["UnreadCount"];
    let faults_of = |text: &str| faults(schema, &serde_json::from_str(text).unwrap()).len();
    assert_eq!(faults_of(r#"{"count":3,"capped":false}"#), 0);
    assert_eq!(faults_of(r#"{"count":101,"capped":"no","other":1}"#), 3);
    assert_eq!(faults_of(r#"{"count":null}"#), 2);
}
