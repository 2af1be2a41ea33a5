//! Limits and habits that every schema has, whatever its type says of itself.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::problem;
use super::reference::{self, FREE_TEXT, MAX_TEXT};

/// The greatest number that a JavaScript client reads exactly.
const MAX_EXACT: u64 = (1 << 53) - 1;
/// A UUID in its usual spelling.
const UUID: &str = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$";
/// A time with an offset.
const TIME: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:.]{8,18}([Zz]|[+-][0-9]{2}:[0-9]{2})$";
/// Text without control characters.
const PRINTABLE: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$";
/// Text of a parameter that says nothing of its length.
const MAX_PARAMETER: u64 = 128;
/// Lists that say nothing of their length.
const MAX_ITEMS: u64 = 1000;
/// The schema of any value but null.
const ANY_VALUE: &str = "AnyValue";
/// The schema of an object with any members.
const ANY_OBJECT: &str = "AnyObject";

/// Completes all schemas, names pages after what is in them, and adds those of problems.
pub(super) fn complete(schemas: &mut Value) {
    let Value::Object(described) = schemas.take() else {
        return;
    };
    let mut completed = Map::new();
    for (name, mut schema) in described {
        if let Some(of) = name.strip_prefix("Page_") {
            schema["properties"]["items"]["items"] = reference::schema(of);
        }
        restrict(&mut schema);
        completed.insert(renamed(&name), schema);
    }
    for (name, mut schema) in problem::schemas() {
        restrict(&mut schema);
        completed.insert(name.to_owned(), schema);
    }
    completed.extend(any().map(|(name, schema)| (name.to_owned(), schema)));
    completed.sort_keys();
    *schemas = Value::Object(completed);
}

/// The schema of a body: without the null of a body that may be left out, and with pages under their
/// names.
pub(super) fn complete_body(schema: &mut Value) {
    without_null(schema);
    if let Some(target) = schema["$ref"].as_str() {
        let name = target.rsplit('/').next().unwrap_or_default();
        *schema = reference::schema(&renamed(name));
    }
}

/// The schema of a body that is streamed: text of any length.
pub(super) fn complete_stream(schema: &mut Value) {
    schema["maxLength"] = json!(MAX_EXACT);
    restrict(schema);
}

/// `Page_Tenant` is `TenantPage` to others.
fn renamed(name: &str) -> String {
    name.strip_prefix("Page_")
        .map_or_else(|| name.to_owned(), |of| format!("{of}Page"))
}

/// Whether the answer with this schema is a page of a list.
pub(super) fn is_page(schemas: &Value, schema: &Value) -> bool {
    let target = schema["$ref"].as_str().unwrap_or_default();
    let name = target.rsplit('/').next().unwrap_or_default();
    schemas[name]["properties"]["next_cursor"].is_object()
}

/// Doc comments are broken into lines; descriptions are not.
pub(super) fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}

/// Limits of a parameter, beside those that its operation names. Text is never empty.
pub(super) fn restrict_parameter(schema: &mut Value) {
    without_null(schema);
    let text = if schema["type"] == "array" {
        &mut schema["items"]
    } else {
        &mut *schema
    };
    if text["type"] == "string" && text["format"].is_null() && text["enum"].is_null() {
        default(text, "minLength", &json!(1));
        default(text, "maxLength", &json!(MAX_PARAMETER));
        default(text, "pattern", &json!(PRINTABLE));
    }
    restrict(schema);
}

fn default(schema: &mut Value, name: &str, value: &Value) {
    if schema[name].is_null() {
        schema[name] = value.clone();
    }
}

/// Sets what is missing, at every depth.
pub(super) fn restrict(schema: &mut Value) {
    without_null(schema);
    let Value::Object(members) = schema else {
        return;
    };
    if let Some(Value::String(description)) = members.get_mut("description") {
        *description = one_line(description);
    }
    let word = |members: &Map<String, Value>, name| {
        let text = members.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let format = word(members, "format");
    match word(members, "type").as_str() {
        "object" => restrict_object(members),
        "array" => {
            members.entry("minItems").or_insert(json!(0));
            members.entry("maxItems").or_insert(json!(MAX_ITEMS));
            if let Some(items) = members.get_mut("items") {
                restrict(items);
            }
        }
        "string" if !members.contains_key("enum") => restrict_text(members, &format),
        "integer" => restrict_number(members, &format),
        _ => {}
    }
}

fn restrict_object(members: &mut Map<String, Value>) {
    match members.get_mut("properties") {
        Some(Value::Object(properties)) => {
            for property in properties.values_mut() {
                if is_any_value(property) {
                    refer(property, ANY_VALUE);
                } else {
                    restrict(property);
                }
            }
            members.insert("additionalProperties".to_owned(), json!(false));
        }
        // An object whose members are not ours to name.
        _ => {
            let mut schema = Value::Object(std::mem::take(members));
            refer(&mut schema, ANY_OBJECT);
            if let Value::Object(reference) = schema {
                *members = reference;
            }
        }
    }
}

/// Lets answers have members that later versions add. Bodies of requests have those that are described and
/// no others.
pub(super) fn open_answers(document: &mut Value) {
    let mut of_requests = BTreeSet::new();
    let paths = document["paths"].as_object().into_iter().flatten();
    for operation in paths.filter_map(|(_, item)| item.as_object()).flatten() {
        let body = &operation.1["requestBody"];
        collect_references(body, &document["components"]["schemas"], &mut of_requests);
    }
    if let Value::Object(schemas) = &mut document["components"]["schemas"] {
        for (name, schema) in schemas.iter_mut() {
            if !of_requests.contains(name) && schema["additionalProperties"] == false {
                let members = schema.as_object_mut();
                members.and_then(|members| members.shift_remove("additionalProperties"));
            }
        }
    }
}

/// The names of the schemas that a value refers to, and of those that they refer to.
pub(super) fn collect_references(value: &Value, schemas: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let target = members.get("$ref").and_then(Value::as_str);
            let name = target.and_then(|target| target.rsplit('/').next());
            if let Some(name) = name
                && found.insert(name.to_owned())
            {
                collect_references(&schemas[name], schemas, found);
            }
            for member in members.values() {
                collect_references(member, schemas, found);
            }
        }
        Value::Array(elements) => {
            for element in elements {
                collect_references(element, schemas, found);
            }
        }
        _ => {}
    }
}

/// Whether a schema says nothing of its value but what it means.
fn is_any_value(schema: &Value) -> bool {
    let Value::Object(members) = schema else {
        return false;
    };
    members.keys().all(|name| name == "description")
}

/// Replaces a schema by a reference. Only what it means is kept.
fn refer(schema: &mut Value, name: &str) {
    let description = schema["description"].take();
    *schema = reference::schema(name);
    if let Value::String(text) = description {
        schema["description"] = json!(one_line(&text));
    }
}

/// Schemas of values whose members are not ours to name, with their names. Only null is never there.
///
/// They do not refer to themselves, although such values may be nested without limit: generators of
/// clients do not understand schemas in a circle.
fn any() -> [(&'static str, Value); 2] {
    // A list of types would be read as the first of them by some generators of clients.
    let value =
        json!({"description": "A value as it was given: a text, number, boolean, list or object."});
    let object = json!({
        "description": "An object as it was given.",
        "type": "object",
        "additionalProperties": true,
        "maxProperties": MAX_ITEMS,
    });
    [(ANY_VALUE, value), (ANY_OBJECT, object)]
}

fn restrict_text(members: &mut Map<String, Value>, format: &str) {
    let (min, max, pattern) = match format {
        "uuid" => (36, 36, UUID),
        "date-time" => (20, 40, TIME),
        "uri" => (8, MAX_TEXT, "^https?://.+$"),
        "email" => (3, MAX_TEXT, "^[^@]+@[^@]+$"),
        _ => (0, MAX_TEXT, FREE_TEXT),
    };
    members.entry("minLength").or_insert(json!(min));
    members.entry("maxLength").or_insert(json!(max));
    members.entry("pattern").or_insert(json!(pattern));
}

fn restrict_number(members: &mut Map<String, Value>, format: &str) {
    let (format, max) = match format {
        "int64" => ("int64", MAX_EXACT),
        _ => ("int32", u64::from(i32::MAX.unsigned_abs())),
    };
    members.insert("format".to_owned(), json!(format));
    members.entry("minimum").or_insert(json!(0));
    members.entry("maximum").or_insert(json!(max));
}

/// Members that are not there are left out, so no schema needs to speak of null.
fn without_null(schema: &mut Value) {
    if let Value::Array(types) = &schema["type"] {
        let kept = types.iter().find(|one| *one != "null").cloned();
        schema["type"] = kept.unwrap_or_default();
    }
    if let Value::Array(choices) = &schema["oneOf"] {
        let kept = choices.iter().find(|one| one["type"] != "null").cloned();
        *schema = kept.unwrap_or_default();
    }
    if let Value::Object(members) = schema {
        members.retain(|_, value| !value.is_null());
    }
}
