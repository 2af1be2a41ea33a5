//! The log of events.

use serde_json::{Value, json};

pub(super) fn described(mut document: Value) -> Value {
    let tags = document["tags"].as_array_mut().unwrap();
    let at = tags.iter().position(|tag| tag["name"] == "audit");
    tags.insert(at.unwrap(), json!({"name": "events"}));
    document
}

/// A phase that a run reaches is an event, and what retention deletes of the log is counted.
pub(super) fn named(mut names: Value) -> Value {
    let events = names["events"].as_array_mut().unwrap();
    let at = events.iter().position(|event| event == "queue_timeout");
    events.insert(at.unwrap(), "phase_reached".into());
    for metric in names["metrics"].as_array_mut().unwrap() {
        if metric["name"] == "atlas_rows_pruned_total" {
            let tables = metric["labels"][0][1].as_array_mut().unwrap();
            let at = tables.iter().position(|table| table == "workers");
            tables.insert(at.unwrap(), "events".into());
        }
    }
    names
}
