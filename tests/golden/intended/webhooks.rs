//! Webhooks.

use serde_json::{Value, json};

pub(super) fn described(mut document: Value) -> Value {
    let tags = document["tags"].as_array_mut().unwrap();
    let at = tags.iter().position(|tag| tag["name"] == "system");
    tags.insert(at.unwrap(), json!({"name": "webhooks"}));
    document
}

/// The words of the audit log and of the numbers.
pub(super) fn named(mut names: Value) -> Value {
    let words = names["audit_actions"].as_array_mut().unwrap();
    let at = words
        .iter()
        .position(|word| word == "tenant.added")
        .unwrap();
    let new = [
        "created",
        "changed",
        "secret_rotated",
        "key_rotated",
        "disabled",
        "deleted",
    ];
    let new = new.map(|word| json!(format!("webhook.{word}")));
    words.splice(at..at, new);
    let metrics = names["metrics"].as_array_mut().unwrap();
    let before = "atlas_rows_pruned_total";
    let at = metrics.iter().position(|metric| metric["name"] == before);
    let at = at.unwrap();
    let tables = metrics[at]["labels"][0][1].as_array_mut().unwrap();
    let workers = tables.iter().position(|table| table == "workers");
    tables.insert(workers.unwrap(), "webhook_deliveries".into());
    let outcomes = ["delivered", "gone", "rate_limited", "refused", "no_answer"];
    let new = json!({
        "name": "atlas_webhook_deliveries_total",
        "kind": "counter",
        "labels": [["outcome", outcomes]],
        "programs": ["Worker"],
    });
    metrics.insert(at, new);
    names
}
