//! Limits and habits that every schema has, whatever its type says of itself.

use atlas_domain::directory::{GroupType, LONGEST_SEARCH};
use atlas_domain::inventory::change::ChangeKind;
use atlas_domain::inventory::link::{LinkKind, TargetKind};
use atlas_domain::run::OperationKind;
use serde_json::{Map, Value, json};

use super::components::reference;
use crate::routes::inventory::links::{DIRECTIONS, direction_word};

/// The greatest number that a JavaScript client reads exactly.
const MAX_EXACT: u64 = (1 << 53) - 1;
/// Any text without NUL, which PostgreSQL cannot hold.
const FREE_TEXT: &str = "^[^\\u0000]*$";
/// A UUID in its usual spelling.
const UUID: &str = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$";
/// A time with an offset.
const TIME: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:.]{8,18}([Zz]|[+-][0-9]{2}:[0-9]{2})$";
/// Text that Microsoft Graph gave.
const MAX_VALUE: u64 = 65_536;
/// Lists that say nothing of their length.
const MAX_ITEMS: u64 = 1000;
/// Text that says nothing of its length.
const MAX_TEXT: u64 = 1024;

/// Completes all schemas, names pages after what is in them, and adds those of problems.
pub(super) fn complete(schemas: &mut Value) {
    let Value::Object(described) = schemas.take() else {
        return;
    };
    let mut completed = Map::new();
    for (name, mut schema) in described {
        if let Some(of) = name.strip_prefix("Page_") {
            schema["properties"]["items"]["items"] = reference("schemas", of);
        }
        restrict(&mut schema);
        completed.insert(renamed(&name), schema);
    }
    for (name, mut schema) in [("Problem", problem()), ("FieldProblem", field_problem())] {
        restrict(&mut schema);
        completed.insert(name.to_owned(), schema);
    }
    completed.sort_keys();
    *schemas = Value::Object(completed);
}

/// Follows the renaming of pages in a reference.
pub(super) fn rename(schema: &mut Value) {
    if let Some(target) = schema["$ref"].as_str() {
        let name = target.rsplit('/').next().unwrap_or_default();
        *schema = reference("schemas", &renamed(name));
    }
}

/// `Page_Tenant` is `TenantPage` to others.
fn renamed(name: &str) -> String {
    name.strip_prefix("Page_")
        .map_or_else(|| name.to_owned(), |of| format!("{of}Page"))
}

/// Doc comments are broken into lines; descriptions are not.
pub(super) fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}

/// Limits of a query parameter, by its name.
pub(super) fn restrict_parameter(operation: &str, name: &str, schema: &mut Value) {
    if schema["type"] == "array" {
        schema["maxItems"] = json!(match (operation, name) {
            ("list_inventory_changes", "kind") => ChangeKind::ALL.len(),
            ("list_inventory_changes", "policy_type") => 20,
            (_, "policy_type") => 200,
            (_, "action") => 50,
            _ => 100,
        });
        restrict_word(operation, name, &mut schema["items"]);
    } else {
        restrict_word(operation, name, schema);
    }
    restrict(schema);
}

fn restrict_word(operation: &str, name: &str, schema: &mut Value) {
    let one_of = |words: Vec<&'static str>| json!({"type": "string", "enum": words});
    match name {
        "kind" if operation == "list_inventory_changes" => {
            *schema = one_of(ChangeKind::ALL.iter().map(|kind| kind.as_str()).collect());
        }
        "kind" if operation == "list_inventory_links" => {
            *schema = one_of(LinkKind::ALL.iter().map(|kind| kind.as_str()).collect());
        }
        "target_kind" => {
            *schema = one_of(TargetKind::ALL.iter().map(|kind| kind.as_str()).collect());
        }
        "direction" => *schema = one_of(DIRECTIONS.into_iter().map(direction_word).collect()),
        "type" => *schema = one_of(GroupType::ALL.map(GroupType::as_str).to_vec()),
        "X-Graph-Token" => {
            schema["minLength"] = json!(1);
            schema["maxLength"] = json!(16384);
            schema["pattern"] = json!("^[!-~]+$");
        }
        "q" if operation == "list_directory_groups" => {
            schema["minLength"] = json!(1);
            schema["maxLength"] = json!(LONGEST_SEARCH);
            schema["pattern"] = json!("^[^\\u0000-\\u001f\\u007f-\\u009f]+$");
        }
        "target_id" => {
            schema["minLength"] = json!(1);
            schema["maxLength"] = json!(1000);
            schema["pattern"] = json!("^[^\\u0000-\\u001f\\u007f-\\u009f]+$");
        }
        "status" => *schema = reference("schemas", "Status"),
        "outcome" if schema["$ref"].is_string() => *schema = reference("schemas", "Outcome"),
        "outcome" => *schema = json!({"type": "string", "enum": ["allowed", "denied", "failed"]}),
        "kind" => *schema = one_of(OperationKind::ALL.map(OperationKind::as_str).to_vec()),
        "initiator" => {
            schema["minLength"] = json!(2);
            schema["maxLength"] = json!(36);
            schema["pattern"] = json!("^(me|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$");
        }
        _ if schema["type"] == "string" && schema["format"].is_null() => {
            schema["minLength"] = json!(1);
            schema["maxLength"] = json!(128);
            schema["pattern"] = json!("^[^\\u0000-\\u001f\\u007f-\\u009f]+$");
        }
        _ => {}
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
                    let description = property["description"].take();
                    *property = any_value();
                    property["description"] =
                        json!(one_line(description.as_str().unwrap_or_default()));
                } else {
                    restrict(property);
                }
            }
            members.insert("additionalProperties".to_owned(), json!(false));
        }
        // Facts as Microsoft Graph names them.
        _ => {
            members.insert("additionalProperties".to_owned(), any_value());
            members.insert("maxProperties".to_owned(), json!(MAX_ITEMS));
        }
    }
}

/// Whether a schema says nothing of its value but what it means.
fn is_any_value(schema: &Value) -> bool {
    let Value::Object(members) = schema else {
        return false;
    };
    members.keys().all(|name| name == "description")
}

/// A value of an object whose members are not ours to name. Only null is never there.
fn any_value() -> Value {
    json!({
        "description": "A value as it was given.",
        "type": ["string", "number", "boolean", "array", "object"],
        "minLength": 0,
        "maxLength": MAX_VALUE,
        "pattern": FREE_TEXT,
        "minItems": 0,
        "maxItems": MAX_ITEMS,
        "items": {"description": "An element as it was given."},
    })
}

fn restrict_text(members: &mut Map<String, Value>, format: &str) {
    let (min, max, pattern) = match format {
        "uuid" => (36, 36, UUID),
        "date-time" => (20, 40, TIME),
        "uri" => (8, MAX_TEXT, "^https?://"),
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

/// RFC 9457, with the members that problems of this API add.
fn problem() -> Value {
    let text = |description: &str, max: u64, pattern: &str| json!({"type": "string", "description": description, "maxLength": max, "pattern": pattern});
    json!({
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "required": ["type", "title", "status", "code", "detail", "instance", "request_id"],
        "properties": {
            "type": {
                "type": "string", "format": "uri", "maxLength": 2048,
                "description": "What kind of problem it is, and the address of a page about it.",
            },
            "title": text("A few words, the same for every occurrence.", 128, FREE_TEXT),
            "status": {
                "type": "integer", "format": "int32", "minimum": 400, "maximum": 599,
                "description": "The status of the answer.",
            },
            "code": text("The last segment of the type, with underscores.", 64, "^[a-z_]+$"),
            "detail": text("What happened this time.", MAX_TEXT, FREE_TEXT),
            "instance": {
                "type": "string", "format": "uri", "maxLength": 64, "pattern": "^urn:uuid:",
                "description": "This occurrence.",
            },
            "request_id": text(
                "The request's name, for whoever reads the log.", 64, "^[A-Za-z0-9._-]{8,64}$",
            ),
            "errors": {
                "type": "array", "maxItems": 500,
                "description": "Every bad field or parameter.",
                "items": reference("schemas", "FieldProblem"),
            },
            "required_permission": text("The permission that is missing.", 64, "^[a-z_]+$"),
            "header": text("The header in which something is missing.", 64, "^[A-Za-z-]+$"),
            "required_scopes": {
                "type": "array", "maxItems": 10,
                "description": "Delegated permissions of which one is needed.",
                "items": {"type": "string", "maxLength": 128, "pattern": "^[A-Za-z.]+$"},
            },
            "claims": text(
                "What Microsoft Graph wants of the next token: the claims parameter of its request.",
                MAX_TEXT, FREE_TEXT,
            ),
            "upstream_request_id": text(
                "Microsoft Graph's name for its answer, for Microsoft's support.", 64,
                "^[A-Za-z0-9._-]{1,64}$",
            ),
            "tenant_id": {
                "type": "string", "format": "uuid",
                "description": "The tenant that it is about.",
            },
            "run_id": {
                "type": "string", "format": "uuid",
                "description": "The run that it is about.",
            },
            "hint": text("What to do about it.", MAX_TEXT, FREE_TEXT),
            "supported": {
                "type": "array", "maxItems": 10,
                "description": "The media types that are accepted.",
                "items": {"type": "string", "maxLength": 128, "pattern": "^[a-z]+/[a-z+.-]+$"},
            },
            "links": reference("schemas", "RunLinks"),
            "run": reference("schemas", "OperationRun"),
        },
        "additionalProperties": false,
    })
}

fn field_problem() -> Value {
    let text = |description: &str, max: u64, pattern: &str| json!({"type": "string", "description": description, "maxLength": max, "pattern": pattern});
    json!({
        "type": "object",
        "description": "A bad field of the body or a bad parameter; one of pointer and parameter is \
            there.",
        "required": ["code", "detail"],
        "properties": {
            "pointer": text("Where in the body, as a JSON pointer (RFC 6901).", MAX_TEXT, FREE_TEXT),
            "parameter": text("Which query parameter.", 128, FREE_TEXT),
            "code": text("What is wrong, for programs. An open list.", 64, "^[a-z_]+$"),
            "detail": text("What is wrong, for people.", MAX_TEXT, FREE_TEXT),
        },
        "additionalProperties": false,
    })
}
