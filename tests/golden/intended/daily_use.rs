//! The API in daily use: compressed answers, quotas that agree, selections as they were asked for, filters
//! that refuse words that they do not know, and sentences in place of serde's.

use serde_json::{Value, json};

/// Texts as they were recorded, and as they are.
const TEXTS: [(&str, &str); 12] = [
    (
        "Origin, Authorization",
        "Origin, Authorization, Accept-Encoding",
    ),
    (
        "invalid type: integer `1`, expected a string",
        "Must be a string.",
    ),
    (
        "invalid type: integer `1`, expected string or map",
        "Must be a string.",
    ),
    (
        "invalid type: string \"mobileApp\", expected a sequence",
        "Must be a list.",
    ),
    (
        "invalid type: string \"yes\", expected a boolean",
        "Must be a boolean.",
    ),
    (
        "UUID parsing failed: invalid character: found `x` at 0",
        "Must be a UUID.",
    ),
    (
        "unknown variant `some`, expected `all` or `failed_only`",
        "Must be all or failed_only.",
    ),
    (
        "A body with this member is needed.",
        "This member is required.",
    ),
    ("missing field `ids`", "This member is required."),
    ("missing field `q`", "This member is required."),
    (
        "The text to look for is missing.",
        "This member is required.",
    ),
    (
        "Only operators of the installation may look at its queues and workers.",
        "Only operators of the installation may see and control its queues and workers.",
    ),
];

/// What a text was within, and is.
const WITHIN: (&str, &str) = ("1 policy types failed.", "1 policy type failed.");

pub(super) fn answers(mut answers: Value) -> Value {
    for answer in answers.as_array_mut().into_iter().flatten() {
        let asked = answer["body"].as_str().unwrap_or_default().to_owned();
        let is_start = answer["ask"]
            .as_str()
            .is_some_and(|ask| ask.ends_with("-sync"));
        let names_foundations = !is_start || asked.contains("include_foundations");
        change(answer, names_foundations);
        // In the order in which they were asked for.
        let types = serde_json::from_str::<Value>(&asked).map(|body| body["policy_types"].clone());
        if let (Ok(types @ Value::Array(_)), Some(shown)) = (
            types,
            answer.pointer_mut("/answer/run/selection/policy_types"),
        ) {
            *shown = types;
        }
    }
    answers
}

fn change(value: &mut Value, names_foundations: bool) {
    match value {
        Value::String(text) => {
            if let Some((_, new)) = TEXTS.iter().find(|(old, _)| old == text) {
                *text = (*new).to_owned();
            } else if text.contains(WITHIN.0) {
                *text = text.replace(WITHIN.0, WITHIN.1);
            }
        }
        Value::Array(elements) => {
            for element in elements {
                change(element, names_foundations);
            }
        }
        Value::Object(members) => {
            if let Some(Value::Object(selection)) = members.get_mut("selection") {
                let everything = selection["policy_types"]
                    .as_array()
                    .is_some_and(|types| types.len() > 50);
                if everything {
                    selection.remove("policy_types");
                }
                if everything || !names_foundations {
                    selection.remove("include_foundations");
                }
                selection.remove("include_dependencies");
            }
            // A worker is named with whom it acts for, which was not recorded.
            if members.get("kind") == Some(&json!("worker")) {
                members.remove("id");
                members.remove("display");
            }
            // A member that is missing has the same code with and without a body.
            let is_missing = members.get("detail") == Some(&json!("missing field `ids`"))
                || members.get("detail") == Some(&json!("missing field `q`"));
            if is_missing && members.contains_key("code") && !members.contains_key("status") {
                let name = members["detail"]
                    .as_str()
                    .unwrap()
                    .trim_matches(|one| one != '`');
                members["pointer"] = json!(format!("/{}", name.trim_matches('`')));
                members["code"] = json!("missing");
            }
            for member in members.values_mut() {
                change(member, names_foundations);
            }
        }
        _ => {}
    }
}

/// Owners and managers may start runs before those of others.
pub(super) fn permitted(mut answers: Value) -> Value {
    permit(&mut answers);
    answers
}

fn permit(value: &mut Value) {
    match value {
        Value::Array(elements) => {
            if elements.contains(&json!("can_set_schedule")) {
                elements.push(json!("can_set_priority"));
            }
            elements.iter_mut().for_each(permit);
        }
        Value::Object(members) => members.values_mut().for_each(permit),
        _ => {}
    }
}

/// What is not counted names no quota.
pub(super) fn uncounted(mut answers: Value) -> Value {
    for answer in answers.as_array_mut().into_iter().flatten() {
        let ask = answer["ask"].as_str().unwrap_or_default();
        let is_counted = ask.contains(" /problems/") || ask.starts_with("HEAD ");
        if !is_counted && let Some(Value::Object(headers)) = answer.get_mut("headers") {
            headers.remove("ratelimit");
        }
    }
    answers
}

/// Nor does an address that lacks its last part.
pub(super) fn nothing_there(mut answers: Value) -> Value {
    for answer in answers.as_array_mut().into_iter().flatten() {
        let ask = answer["ask"].as_str().unwrap_or_default();
        if ask.ends_with('/')
            && answer["status"] == 404
            && let Some(Value::Object(headers)) = answer.get_mut("headers")
        {
            headers.remove("ratelimit");
        }
    }
    answers
}

/// Without a body, the list of identifiers is missing and not empty.
pub(super) fn identifiers_missing(mut answers: Value) -> Value {
    const REQUIRED: &str = "This member is required.";
    for answer in answers.as_array_mut().into_iter().flatten() {
        let is_without = answer["body"].is_null();
        let refused = &mut answer["answer"];
        if is_without && refused["errors"][0]["code"] == "invalid_length" {
            refused["detail"] = json!(REQUIRED);
            refused["errors"][0]["code"] = json!("missing");
            refused["errors"][0]["detail"] = json!(REQUIRED);
        }
    }
    answers
}

/// Policy types and categories that there are not are refused.
pub(super) fn unknown_words_refused(mut answers: Value) -> Value {
    const WORDS: [(&str, &str, &str); 3] = [
        (
            "policy_type=nothing",
            "policy_type",
            "Unknown policy type; GET /policy-types lists them.",
        ),
        (
            "category=apps",
            "category",
            "Unknown category; GET /policy-types lists them.",
        ),
        (
            "category=nothing",
            "category",
            "Unknown category; GET /policy-types lists them.",
        ),
    ];
    let all = answers.as_array_mut().unwrap();
    let refused = all
        .iter()
        .find(|answer| answer["answer"]["errors"][0]["parameter"].is_string());
    let refused = refused.unwrap().clone();
    for answer in all {
        let ask = answer["ask"].as_str().unwrap_or_default().to_owned();
        let Some((_, parameter, detail)) = WORDS.iter().find(|(word, ..)| ask.contains(word))
        else {
            continue;
        };
        let mut refusal = refused.clone();
        refusal["ask"] = answer["ask"].take();
        refusal["by"] = answer["by"].take();
        refusal["answer"]["detail"] = json!(detail);
        refusal["answer"]["errors"] =
            json!([{"parameter": parameter, "code": "invalid_value", "detail": detail}]);
        *answer = refusal;
    }
    answers
}

/// Rows keep selections as they were asked for, and one policy type is not several.
pub(super) fn stored(mut tables: Value) -> Value {
    for row in tables["notifications"].as_array_mut().into_iter().flatten() {
        if let Value::String(body) = &mut row["body"] {
            *body = body.replace(WITHIN.0, WITHIN.1);
        }
    }
    for (table, column) in [
        ("operation_runs", "inputs"),
        ("inventory_sync_runs", "selection"),
    ] {
        for row in tables[table].as_array_mut().into_iter().flatten() {
            if let Value::Object(selection) = &mut row[column] {
                selection.remove("include_dependencies");
                if selection
                    .get("policy_types")
                    .and_then(Value::as_array)
                    .is_some_and(|types| types.len() > 50)
                {
                    selection.clear();
                }
            }
        }
    }
    tables
}

/// Schemas of answers are open, values of any type have none, and filters name their words.
pub(super) fn described(mut document: Value) -> Value {
    let schemas = document["components"]["schemas"].as_object_mut().unwrap();
    let of_requests = ["Request", "MarkRead", "CancelBody", "Body"];
    for (name, schema) in schemas.iter_mut() {
        let is_request =
            of_requests.iter().any(|part| name.contains(part)) && !name.ends_with("Requester");
        if !is_request && schema["additionalProperties"] == false {
            schema
                .as_object_mut()
                .unwrap()
                .remove("additionalProperties");
        }
    }
    schemas["AnyValue"] = json!({});
    schemas["AnyObject"]["additionalProperties"] = json!(true);
    // What the caller named the request.
    schemas["AuditEvent"]["properties"]["request_id"] = json!({
        "type": "string", "minLength": 0, "maxLength": 64, "pattern": "^[A-Za-z0-9._-]{8,64}$",
    });
    // As it was asked for: an absent member means the default.
    let selection = schemas["Selection"].as_object_mut().unwrap();
    selection.remove("required");
    document["components"]["headers"]["ETag"]["schema"]["pattern"] =
        json!("^(W/)?\"[A-Za-z0-9_-]+\"$");
    let paths = &mut document["paths"];
    let tenant = "/tenants/{tenant_id}";
    for (list, parameter, pattern) in [
        ("audit-events", "action", "^[a-z_]+\\.[a-z_]+$"),
        ("inventory-changes", "policy_type", "^[A-Za-z0-9]+$"),
        ("inventory-items", "policy_type", "^[A-Za-z0-9]+$"),
        ("inventory-items", "category", "^[^\\u0000-\\u001f]+$"),
    ] {
        let list = &mut paths[format!("{tenant}/{list}")]["get"]["parameters"];
        let all = list.as_array_mut().unwrap().iter_mut();
        let named = all
            .filter(|one| one["name"] == parameter)
            .map(|one| &mut one["schema"]);
        for schema in named {
            if schema["type"] == "array" {
                schema["items"]["pattern"] = json!(pattern);
            } else {
                schema["pattern"] = json!(pattern);
            }
        }
    }
    document
}
