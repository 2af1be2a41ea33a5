//! Taking access away, and what the audit log has of it.

use serde_json::{Value, json};

use crate::layout::on_one_line;

/// New words of the audit log, each with the one that they follow.
const ACTIONS: [(&str, &[&str]); 3] = [
    (
        "tenant.added",
        &["tenant.disabled", "tenant.enabled", "tenant.removed"],
    ),
    ("member.set", &["member.removed", "user.added"]),
    (
        "user.operator_added",
        &[
            "user.operator_withdrawn",
            "user.disabled",
            "user.enabled",
            "user.removed",
            "user.erased",
            "sign_in.refused",
            "token.created",
            "token.revoked",
        ],
    ),
];

pub(super) fn cancelled_by_nobody(mut document: Value) -> Value {
    let cancel = &mut document["components"]["schemas"]["Cancel"];
    let required = cancel["required"].as_array_mut().unwrap();
    required.retain(|member| member != "requested_by");
    document
}

pub(super) fn audited_administration(mut names: Value) -> Value {
    let words = names["audit_actions"].as_array_mut().unwrap();
    for (before, new) in ACTIONS {
        let at = words.iter().position(|word| word == before).unwrap() + 1;
        let new = new.iter().map(|word| Value::from(*word));
        words.splice(at..at, new);
    }
    names
}

pub(super) fn entries_of_administration(mut tables: Value) -> Value {
    let mut new = Vec::new();
    for user in tables["users"].as_array_mut().unwrap() {
        user["erased_at"] = Value::Null;
        new.push(entry("user.added", "user", &user["id"], &Value::Null));
    }
    for token in tables["api_tokens"].as_array().unwrap() {
        let detail = json!({"user_id": token["user_id"]});
        let id = &token["id"];
        new.push(entry("token.created", "token", id, &detail));
        if !token["revoked_at"].is_null() {
            new.push(entry("token.revoked", "token", id, &detail));
        }
    }
    new.sort_by_cached_key(on_one_line);
    let entries = tables["audit_events"].as_array_mut().unwrap();
    for entry in &mut *entries {
        entry["address"] = Value::Null;
        entry["user_agent"] = Value::Null;
    }
    for entry in new {
        let action = entry["action"].as_str().unwrap();
        let later = |other: &Value| other["action"].as_str().unwrap() > action;
        let at = entries.iter().position(later).unwrap_or(entries.len());
        entries.insert(at, entry);
    }
    tables
}

fn entry(action: &str, kind: &str, id: &Value, detail: &Value) -> Value {
    json!({
        "action": action,
        "actor_id": null,
        "actor_kind": "installation",
        "address": null,
        "detail": detail,
        "id": "<own id>",
        "occurred_at": "<time>",
        "outcome": "allowed",
        "request_id": null,
        "target_id": id,
        "target_kind": kind,
        "tenant_id": null,
        "user_agent": null,
    })
}
