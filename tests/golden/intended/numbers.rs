//! Numbers that were added.

use serde_json::{Value, json};

/// Counters, gauges and histograms, each in the order of the catalogue, and before which one they stand.
pub(super) fn of_graph_tenants_and_pools(mut names: Value) -> Value {
    let service = json!(["service", []]);
    let kind = json!(["kind", ["inventory_sync", "directory_groups_sync"]]);
    let pool = json!(["pool", ["main", "reads"]]);
    let (worker, both) = (json!(["Worker"]), json!(["Api", "Worker"]));
    let new = |name: &str, sort: &str, labels: Value, programs: &Value| json!({"name": name, "kind": sort, "labels": labels, "programs": programs});
    let ages = json!([
        "age",
        ["1h", "6h", "1d", "3d", "7d", "30d", "longer", "never"]
    ]);
    let states = json!(["state", ["good", "ending", "ended", "unreadable"]]);
    let states_of_secrets = json!(["state", ["good", "ending", "ended", "unknown"]]);
    let use_of = json!(["state", ["used", "idle"]]);
    let (counter, gauge, histogram) = ("counter", "gauge", "histogram");
    let added = [
        (
            "atlas_starts_total",
            vec![
                new(
                    "atlas_graph_requests_total",
                    counter,
                    json!([service]),
                    &worker,
                ),
                new(
                    "atlas_graph_throttled_total",
                    counter,
                    json!([service]),
                    &worker,
                ),
            ],
        ),
        (
            "atlas_queue_observed_timestamp_seconds",
            vec![
                new(
                    "atlas_tenants_by_sync_age",
                    gauge,
                    json!([kind, ages]),
                    &worker,
                ),
                new("atlas_tenant_certificates", gauge, json!([states]), &worker),
                new(
                    "atlas_tenant_client_secrets",
                    gauge,
                    json!([states_of_secrets]),
                    &worker,
                ),
                new(
                    "atlas_database_connections",
                    gauge,
                    json!([pool, use_of]),
                    &both,
                ),
                new(
                    "atlas_database_connections_max",
                    gauge,
                    json!([pool]),
                    &both,
                ),
                new("atlas_database_waiting", gauge, json!([pool]), &both),
                new(
                    "atlas_build_info",
                    gauge,
                    json!([["version", []], ["commit", []]]),
                    &both,
                ),
            ],
        ),
        (
            "atlas_http_request_seconds",
            vec![new(
                "atlas_graph_wait_seconds",
                histogram,
                json!([service]),
                &worker,
            )],
        ),
    ];
    let metrics = names["metrics"].as_array_mut().unwrap();
    for (before, new) in added {
        let at = metrics.iter().position(|metric| metric["name"] == before);
        let at = at.unwrap();
        metrics.splice(at..at, new);
    }
    names
}
