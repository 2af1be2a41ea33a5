//! `atlas queue status`: how the installation stands.

use serde_json::{Value, json};

use crate::args::connections::Api;
use crate::client::ApiClient;
use crate::output::{self, cell};

const QUEUES: [(&str, &str); 8] = [
    ("KIND", "/kind"),
    ("QUEUED", "/queued"),
    ("DUE", "/due"),
    ("OLDEST DUE (S)", "/oldest_due_seconds"),
    ("OVERDUE", "/overdue"),
    ("RUNNING", "/running"),
    ("LEASE EXPIRED", "/lease_expired"),
    ("PAUSED BY", "/pause/by"),
];

const WORKERS: [(&str, &str); 6] = [
    ("WORKER", "/id"),
    ("VERSION", "/version"),
    ("STATE", "/state"),
    ("RUNNING", "/running"),
    ("SLOTS", "/slots"),
    ("LAST REPORT", "/heartbeat_at"),
];

/// Shows queues and workers.
pub(crate) async fn status(api: &Api, as_json: bool) -> anyhow::Result<()> {
    let api = ApiClient::new(api)?;
    let queues = api.get("/system/queues", &[]).await?.body;
    let workers = api.get("/system/workers", &[]).await?.body;
    if as_json {
        output::json(&json!({ "queues": queues["items"], "workers": workers["items"] }))?;
        return Ok(());
    }
    table(&QUEUES, &queues)?;
    output::line("")?;
    table(&WORKERS, &workers)
}

fn table(columns: &[(&str, &str)], list: &Value) -> anyhow::Result<()> {
    let items = list["items"].as_array().into_iter().flatten();
    let rows: Vec<Vec<String>> = items
        .map(|item| {
            columns
                .iter()
                .map(|(_, pointer)| cell(item, pointer))
                .collect()
        })
        .collect();
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    output::table(&headings, &rows)?;
    Ok(())
}
