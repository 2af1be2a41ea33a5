//! Tenants that are synced by themselves.

use serde_json::{Value, json};

const PERMISSION: &str = "can_set_schedule";

/// A run says when a schedule started it, and a notification may be about no run.
pub(super) fn described(mut document: Value) -> Value {
    let schemas = &mut document["components"]["schemas"];
    schemas["OperationRun"]["properties"]["scheduled"] = json!({"type": "boolean"});
    let required = schemas["Notification"]["required"].as_array_mut().unwrap();
    required.retain(|name| name != "operation_run_id" && name != "links");
    document
}

/// The permission of owners and managers, and the words of the audit log and of the numbers.
pub(super) fn named(mut names: Value) -> Value {
    let words = names["audit_actions"].as_array_mut().unwrap();
    let before = "tenant.added";
    let at = words.iter().position(|word| word == before).unwrap();
    let new = ["set", "removed", "stopped", "change_denied"];
    let new = new.map(|word| json!(format!("schedule.{word}")));
    words.splice(at..at, new);
    let metrics = names["metrics"].as_array_mut().unwrap();
    let before = "atlas_rows_pruned_total";
    let at = metrics.iter().position(|metric| metric["name"] == before);
    let new = json!({
        "name": "atlas_schedules_due_total",
        "kind": "counter",
        "labels": [["result", ["created", "joined", "skipped", "stopped"]]],
        "programs": ["Worker"],
    });
    metrics.insert(at.unwrap(), new);
    names
}

pub(super) fn permitted(mut answers: Value) -> Value {
    for answer in answers.as_array_mut().into_iter().flatten() {
        if let Some(tenant) = answer.get_mut("answer") {
            permit(tenant);
        }
        let items = answer.pointer_mut("/answer/items");
        for tenant in items.and_then(Value::as_array_mut).into_iter().flatten() {
            permit(tenant);
        }
    }
    answers
}

fn permit(tenant: &mut Value) {
    let may = ["owner", "manager"].contains(&tenant["role"].as_str().unwrap_or_default());
    if may && let Some(Value::Array(permissions)) = tenant.get_mut("permissions") {
        permissions.push(PERMISSION.into());
    }
}

/// Nobody has set one.
pub(super) fn stored(mut tables: Value) -> Value {
    for table in ["tenant_notices", "tenant_schedules"] {
        tables[table] = json!([]);
    }
    for run in tables["operation_runs"].as_array_mut().unwrap() {
        run["scheduled"] = json!(false);
    }
    tables
}
