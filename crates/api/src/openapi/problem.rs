//! How problems look: RFC 9457, and the members that problems of this API add.

use serde_json::{Value, json};

/// Any text without NUL.
const FREE_TEXT: &str = "^[^\\u0000]*$";
/// Text that says nothing of its length.
const MAX_TEXT: u64 = 1024;

/// Schemas of problems, with their names.
pub(super) fn schemas() -> [(&'static str, Value); 2] {
    [("Problem", problem()), ("FieldProblem", field_problem())]
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
                "items": reference("FieldProblem"),
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
            "links": reference("RunLinks"),
            "run": reference("OperationRun"),
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

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}
