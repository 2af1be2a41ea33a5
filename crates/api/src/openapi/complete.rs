//! The pass that makes every operation complete: parameters, headers, errors, limits, examples. What
//! holds for all operations is said here once, so that none can forget it.

use serde_json::{Map, Value, json};

use super::{components, samples, schemas};
use crate::problem::PROBLEM_JSON;

/// Operations whose body may be left out.
const OPTIONAL_BODIES: [&str; 3] = [
    "start_inventory_sync",
    "cancel_operation_run",
    "retry_operation_run",
];

/// Completes what the registered operations say about themselves.
pub(super) fn complete(mut document: Value) -> Value {
    schemas::complete(&mut document["components"]["schemas"]);
    for (path, item) in members(&mut document["paths"]) {
        for (method, operation) in members(item) {
            complete_operation(path, method, operation);
        }
    }
    let components = &mut document["components"];
    components["parameters"] = components::parameters();
    components["headers"] = components::headers();
    components["responses"] = components::responses();
    components["securitySchemes"] = json!({"api_token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "API token",
        "description": "An API token that begins with tap_. It is opaque to callers; where a JWT is \
            accepted instead, it is checked as RFC 8725 asks.",
    }});
    document["info"] = info();
    document["servers"] = json!([{
        "url": "/",
        "description": "Production",
        "x-internal": "false",
    }]);
    document["security"] = json!([{"api_token": []}]);
    document["tags"] = tags();
    in_order(document)
}

fn info() -> Value {
    json!({
        "title": "TenantAtlas API",
        "summary": "Inventory of the Intune and Entra policies of many Microsoft 365 tenants.",
        "description": "Start inventory syncs, follow their runs and read what they found. Names are \
            snake_case, times RFC 3339 in UTC, identifiers UUIDs; what is not known is absent, never \
            null. Errors are RFC 9457 problems; the address in `type` leads to a page that explains \
            the problem. Lists come in pages; follow `next_cursor` or the header `Link`. Reads carry \
            an `ETag` and honour `If-None-Match`. Statuses and outcomes are closed sets; every other \
            list of words is open. Besides what is described here the service answers `/healthz` and \
            `/readyz` to probes, and `/docs` and `/problems` to people; these need no token.",
        "version": env!("CARGO_PKG_VERSION"),
        "termsOfService": "https://tenantatlas.example/terms",
        "contact": {
            "name": "TenantAtlas",
            "url": "https://tenantatlas.example/support",
            "email": "api@tenantatlas.example",
        },
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        "x-api-id": "6f5a1c1e-7f0b-4f0e-9a57-3d1f6a2b9c40",
        "x-audience": "external-public",
    })
}

fn tags() -> Value {
    json!([
        {"name": "inventory-sync", "description": "Pressing sync."},
        {"name": "directory-groups", "description": "Groups of tenants' directories: stored, and as you may see them now."},
        {"name": "operation-runs", "description": "What is going on, and how it ended."},
        {"name": "tenants", "description": "The tenants that you belong to."},
        {"name": "inventory", "description": "What syncs found."},
        {"name": "audit", "description": "What was done, by whom."},
        {"name": "me", "description": "Who you are."},
        {"name": "notifications", "description": "What you are told."},
        {"name": "system", "description": "The installation as a whole, for its operators."},
    ])
}

fn complete_operation(path: &str, method: &str, operation: &mut Value) {
    let id = operation["operationId"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if let Some(description) = operation["description"].as_str() {
        operation["description"] = json!(schemas::one_line(description));
    }
    let is_list = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        .as_str()
        .is_some_and(|target| target.contains("Page_") || target.ends_with("Page"));
    operation["parameters"] = parameters(&id, path, is_list, operation["parameters"].take());
    if let Value::Object(body) = &mut operation["requestBody"] {
        body.insert(
            "required".to_owned(),
            json!(!OPTIONAL_BODIES.contains(&id.as_str())),
        );
        let media = &mut body["content"]["application/json"];
        schemas::rename(&mut media["schema"]);
        media["example"] = samples::request(&id);
    }
    let has_body = operation["requestBody"].is_object();
    for (status, response) in members(&mut operation["responses"]) {
        response["headers"] = success_headers(method, status, is_list, &id);
        if let Some(content) = response.get_mut("content") {
            let media = &mut content["application/json"];
            schemas::rename(&mut media["schema"]);
            media["example"] = samples::answer(&id, status);
        }
    }
    if method == "get" {
        operation["responses"]["304"] = components::reference("responses", "NotModified");
    }
    for (status, name) in refusals(path, &id, has_body) {
        operation["responses"][status] = components::reference("responses", name);
    }
    without_empty(operation);
    if let Value::Object(responses) = &mut operation["responses"] {
        responses.sort_keys();
    }
}

/// Parameters of the path and of lists, around those that the operation names itself.
fn parameters(operation: &str, path: &str, is_list: bool, own: Value) -> Value {
    let in_path = path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<Value> = in_path
        .map(|name| components::reference("parameters", name))
        .collect();
    if let Value::Array(own) = own {
        all.extend(own.into_iter().map(|mut parameter| {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            schemas::restrict_parameter(operation, &name, &mut parameter["schema"]);
            let example = samples::parameter(operation, &name);
            parameter["example"] = match parameter["schema"]["type"].as_str() {
                Some("array") => json!([example]),
                _ => example,
            };
            parameter
        }));
    }
    if is_list {
        all.push(components::reference("parameters", "limit"));
        all.push(components::reference("parameters", "cursor"));
    }
    Value::Array(all)
}

fn success_headers(method: &str, status: &str, is_list: bool, id: &str) -> Value {
    let mut names = components::COMMON_HEADERS.to_vec();
    match (method, status) {
        ("get", "200") => names.push("ETag"),
        (_, "202") => names.extend(["Location", "Retry-After"]),
        _ => {}
    }
    if is_list {
        names.push("Link");
    }
    if [
        "get_operation_run",
        "list_active_operation_runs",
        "get_unread_count",
    ]
    .contains(&id)
    {
        names.push("Retry-After");
    }
    components::header_references(&names)
}

/// What an operation can refuse with, beside what every operation can.
fn refusals(path: &str, id: &str, has_body: bool) -> Vec<(&'static str, &'static str)> {
    let mut all = vec![
        ("400", "BadRequest"),
        ("401", "Unauthorized"),
        ("429", "TooManyRequests"),
        ("500", "InternalError"),
        ("503", "Unavailable"),
        ("default", "Unexpected"),
    ];
    if path.contains('{') {
        all.push(("404", "NotFound"));
    }
    if path.starts_with("/system/") {
        all.push(("403", "OperatorsOnly"));
    }
    if has_body {
        all.extend([("413", "PayloadTooLarge"), ("415", "UnsupportedMediaType")]);
    }
    if id == "search_directory_groups" {
        all.extend([
            ("403", "DelegatedTokenRequired"),
            ("409", "Conflict"),
            ("502", "UpstreamError"),
        ]);
        all.retain(|(status, _)| *status != "503");
        all.push(("503", "UpstreamThrottled"));
    }
    let conflict = match id {
        "start_inventory_sync" | "start_directory_groups_sync" => Some("Conflict"),
        "cancel_operation_run" => Some("NotCancellable"),
        "retry_operation_run" => Some("NotRetryable"),
        _ => None,
    };
    if let Some(conflict) = conflict {
        all.extend([("403", "Forbidden"), ("409", conflict)]);
    }
    let starts = [
        "start_inventory_sync",
        "start_directory_groups_sync",
        "retry_operation_run",
    ];
    if starts.contains(&id) {
        all.retain(|(status, _)| *status != "503");
        all.push(("503", "QueueUnavailable"));
    }
    all
}

/// The media type of problems with its schema and an example.
pub(super) fn problem_content(example: &Value) -> Value {
    json!({PROBLEM_JSON: {
        "schema": components::reference("schemas", "Problem"),
        "example": example,
    }})
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

fn members(value: &mut Value) -> impl Iterator<Item = (&str, &mut Value)> {
    value
        .as_object_mut()
        .into_iter()
        .flat_map(Map::iter_mut)
        .map(|(name, value)| (name.as_str(), value))
}

/// The members of the document in the order in which people read them.
fn in_order(mut document: Value) -> Value {
    let names = [
        "openapi",
        "info",
        "servers",
        "security",
        "tags",
        "paths",
        "components",
    ];
    names
        .into_iter()
        .map(|name| (name.to_owned(), document[name].take()))
        .collect::<Map<_, _>>()
        .into()
}
