//! How problems look: RFC 9457, and the members that problems of this API add.

use serde_json::{Value, json};

use super::reference::{self, FREE_TEXT, MAX_TEXT};
use crate::problem::{PROBLEM_SCHEMA, RUN, RUN_PROBLEM_SCHEMA};

/// Schemas of problems, with their names.
pub(super) fn schemas() -> [(&'static str, Value); 3] {
    [
        (PROBLEM_SCHEMA, problem()),
        (RUN_PROBLEM_SCHEMA, run_problem()),
        ("FieldProblem", field_problem()),
    ]
}

/// Apart from the other, so that what most operations refuse with has no run in its description.
fn run_problem() -> Value {
    let mut schema = problem();
    schema["description"] = json!("A problem (RFC 9457) that shows the run as it is.");
    schema["properties"][RUN] = reference::schema("OperationRun");
    schema
}

/// RFC 9457, with the members that problems of this API add.
fn problem() -> Value {
    let text = |description: &str, max: u64, pattern: &str| json!({"type": "string", "description": description, "maxLength": max, "pattern": pattern});
    json!({
        "type": "object",
        "description": "A problem (RFC 9457). Extension members are present where they apply.",
        "required": ["type", "title", "status", "code", "detail", "instance", "request_id"],
        "properties": {
            "type": {
                "type": "string", "format": "uri", "maxLength": 2048,
                "description": "Problem type: the address of a page that explains it.",
            },
            "title": text("Short summary of the problem type.", 128, FREE_TEXT),
            "status": {
                "type": "integer", "format": "int32", "minimum": 400, "maximum": 599,
                "description": "HTTP status code.",
            },
            "code": text("The last segment of `type` with underscores, for programs.", 64, "^[a-z_]+$"),
            "detail": text("Explanation of this occurrence.", MAX_TEXT, FREE_TEXT),
            "instance": {
                "type": "string", "format": "uri", "maxLength": 64, "pattern": "^urn:uuid:[0-9a-f-]{36}$",
                "description": "Identifier of this occurrence.",
            },
            "request_id": text(
                "Identifier of the request in the log.", 64, "^[A-Za-z0-9._-]{8,64}$",
            ),
            "errors": {
                "type": "array", "maxItems": 500,
                "description": "Fields and parameters that are not valid.",
                "items": reference::schema("FieldProblem"),
            },
            "required_permission": text("The permission that you need.", 64, "^[a-z_]+$"),
            "header": text("The request header that is missing or not valid.", 64, "^[A-Za-z-]+$"),
            "required_scopes": {
                "type": "array", "maxItems": 10,
                "description": "Delegated permissions; the token needs one of them.",
                "items": {"type": "string", "maxLength": 128, "pattern": "^[A-Za-z.]+$"},
            },
            "claims": text(
                "Value for the claims parameter of the next token request.",
                MAX_TEXT, FREE_TEXT,
            ),
            "upstream_request_id": text(
                "Request identifier of Microsoft Graph, for support cases with Microsoft.", 64,
                "^[A-Za-z0-9._-]{1,64}$",
            ),
            "tenant_id": {
                "type": "string", "format": "uuid",
                "description": "Identifier of the tenant.",
            },
            "run_id": {
                "type": "string", "format": "uuid",
                "description": "Identifier of the run.",
            },
            "first_seen_at": {
                "type": "string", "format": "date-time",
                "description": "When the idempotency key was sent first.",
            },
            "hint": text("How to resolve the problem.", MAX_TEXT, FREE_TEXT),
            "supported": {
                "type": "array", "maxItems": 10,
                "description": "Supported media types.",
                "items": {"type": "string", "maxLength": 128, "pattern": "^[a-z]+/[a-z+.-]+$"},
            },
            "links": reference::schema("RunLinks"),
        },
        "additionalProperties": false,
    })
}

fn field_problem() -> Value {
    let text = |description: &str, max: u64, pattern: &str| json!({"type": "string", "description": description, "maxLength": max, "pattern": pattern});
    json!({
        "type": "object",
        "description": "A field or parameter that is not valid. Either `pointer` or `parameter` is \
            present.",
        "required": ["code", "detail"],
        "properties": {
            "pointer": text("JSON pointer (RFC 6901) to the field in the request body.", MAX_TEXT, FREE_TEXT),
            "parameter": text("Name of the query parameter.", 128, FREE_TEXT),
            "code": text("Error code. New codes may be added.", 64, "^[a-z_]+$"),
            "detail": text("Explanation of the error.", MAX_TEXT, FREE_TEXT),
        },
        "additionalProperties": false,
    })
}
