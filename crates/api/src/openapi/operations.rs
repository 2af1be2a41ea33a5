//! The pass over all operations. It adds what they have in common: parameters of paths and pages,
//! headers, the refusals of extractors, limits of schemas. What an operation has of its own stands
//! beside its handler.

use serde_json::{Map, Value, json};

use super::components;
use super::reference::component;
use super::schemas;
use crate::problem::PROBLEM_JSON;
use crate::refusals::COMPONENT;

/// The header that all starts take.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Completes all operations. Refusals become components of the document.
pub(super) fn complete(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    let mut responses = components::responses();
    for (path, item) in members(&mut document["paths"]) {
        for (method, operation) in members(item) {
            complete_operation(path, method, operation, &schemas);
            add_common_refusals(path, operation, &responses);
            move_refusals(operation, &mut responses);
            without_empty(operation);
        }
    }
    document["components"]["responses"] = Value::Object(responses);
}

fn complete_operation(path: &str, method: &str, operation: &mut Value, schemas: &Value) {
    if let Some(description) = operation["description"].as_str() {
        operation["description"] = json!(schemas::one_line(description));
    }
    if let Value::Object(body) = &mut operation["requestBody"] {
        body.entry("required").or_insert(json!(false));
        schemas::complete_body(&mut body["content"]["application/json"]["schema"]);
    }
    for (_, response) in members(&mut operation["responses"]) {
        if let Some(schema) = response.pointer_mut("/content/application~1json/schema") {
            schemas::complete_body(schema);
        }
        for media in ["application~1x-ndjson", "text~1event-stream"] {
            let schema = format!("/content/{media}/schema");
            if let Some(schema) = response.pointer_mut(&schema) {
                schemas::complete_stream(schema);
            }
        }
    }
    let answer = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    let is_list = schemas::is_page(schemas, answer);
    // What is streamed has no entity tag.
    let is_tagged = method == "get" && answer.is_object();
    let is_stream = operation["responses"]["200"]["content"]["text/event-stream"].is_object();
    let shared: &[&str] = match (is_list, is_stream) {
        (true, _) => &["limit", "cursor"],
        (_, true) => &["stream_cursor", "ticket", "Last-Event-ID"],
        _ => &[],
    };
    operation["parameters"] = parameters(path, shared, operation["parameters"].take());
    for (status, response) in members(&mut operation["responses"]) {
        let more: &[&str] = match status {
            "200" if is_tagged && is_list => &["ETag", "Link"],
            "200" if is_tagged => &["ETag"],
            _ => &[],
        };
        components::complete_headers(response, more);
    }
    if is_tagged {
        operation["responses"]["304"] = component("responses", "NotModified");
    }
}

fn add_common_refusals(path: &str, operation: &mut Value, refusals: &Map<String, Value>) {
    let has_body = operation["requestBody"].is_object();
    for (status, name) in components::common_refusals(path.contains('{'), has_body) {
        let own = &mut operation["responses"][status];
        if own.is_null() {
            *own = component("responses", name);
        } else {
            add_examples(own, &refusals[name]);
        }
    }
    operation["responses"]["default"] = components::unexpected();
    if let Value::Object(responses) = &mut operation["responses"] {
        responses.sort_keys();
    }
}

/// Moves the operation's own refusals to the components of the document. Operations share a component
/// when they refuse alike.
fn move_refusals(operation: &mut Value, components: &mut Map<String, Value>) {
    for (_, response) in members(&mut operation["responses"]) {
        let own = response.as_object_mut();
        let Some(name) = own.and_then(|own| own.remove(COMPONENT)) else {
            continue;
        };
        let name = name.as_str().unwrap_or_default();
        let refusal = std::mem::replace(response, component("responses", name));
        let known = components.entry(name).or_insert_with(|| refusal.clone());
        assert_eq!(
            *known, refusal,
            "two different refusals are called {name}: give one of them another name in Refusal::new"
        );
    }
}

/// Parameters of the path and those that operations of a sort share, around those of the operation itself.
fn parameters(path: &str, shared: &[&str], own: Value) -> Value {
    let in_path = path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<Value> = in_path.map(|name| component("parameters", name)).collect();
    if let Value::Array(own) = own {
        all.extend(own.into_iter().map(|mut parameter| {
            if parameter["name"] == IDEMPOTENCY_KEY {
                return component("parameters", IDEMPOTENCY_KEY);
            }
            schemas::restrict_parameter(&mut parameter["schema"]);
            parameter
        }));
    }
    all.extend(shared.iter().map(|name| component("parameters", name)));
    Value::Array(all)
}

/// Adds problems that every operation can answer with to a refusal with the same status.
fn add_examples(refusal: &mut Value, common: &Value) {
    let examples = |response: &mut Value| response["content"][PROBLEM_JSON]["examples"].take();
    let Value::Object(mut all) = examples(refusal) else {
        return;
    };
    if let Value::Object(others) = examples(&mut common.clone()) {
        all.extend(others);
    }
    refusal["content"][PROBLEM_JSON]["examples"] = Value::Object(all);
}

fn without_empty(operation: &mut Value) {
    if let Value::Object(members) = operation {
        members.retain(|_, value| match value {
            Value::Array(values) => !values.is_empty(),
            Value::Null => false,
            _ => true,
        });
    }
}

pub(super) fn members(value: &mut Value) -> impl Iterator<Item = (&str, &mut Value)> {
    value
        .as_object_mut()
        .into_iter()
        .flat_map(Map::iter_mut)
        .map(|(name, value)| (name.as_str(), value))
}
