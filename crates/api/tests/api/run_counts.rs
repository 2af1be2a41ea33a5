//! Counts of runs.

use atlas_domain::access::Role;
use serde_json::json;

use crate::harness::Stage;

const PATH: &str = "/operation-runs/counts";

#[tokio::test]
async fn runs_are_counted_by_status_and_outcome_with_the_filters_of_the_list() {
    let stage = Stage::set().await;
    stage.synced(1).await;
    let (tenant, operator) = (stage.tenant.id, stage.operator.id);
    stage.scenario.queued_run(tenant, operator, "{}").await;
    let other = stage.scenario.member(tenant, Role::Owner).await;
    let counts = stage.get(PATH).await;
    assert_eq!(
        counts.body,
        json!({
            "total": 2,
            "capped": false,
            "by_status": {"queued": 1, "running": 0, "completed": 1},
            "by_outcome": {"succeeded": 1, "partially_succeeded": 0, "failed": 0, "cancelled": 0},
        })
    );
    for (query, total) in [
        (format!("tenant_id={tenant}"), 2),
        ("status=queued".to_owned(), 1),
        ("status=queued&status=completed".to_owned(), 2),
        ("outcome=succeeded".to_owned(), 1),
        ("outcome=failed".to_owned(), 0),
        ("kind=directory_groups_sync".to_owned(), 0),
        ("initiator=me".to_owned(), 2),
        (format!("initiator={}", other.id), 0),
        ("created_after=2020-01-01T00:00:00Z".to_owned(), 2),
        ("created_before=2020-01-01T00:00:00Z".to_owned(), 0),
    ] {
        let counts = stage.get(&format!("{PATH}?{query}")).await;
        assert_eq!(counts.body["total"], total, "{query}");
    }
    for name in ["ids", "limit", "cursor"] {
        let reply = stage.get(&format!("{PATH}?{name}=1")).await;
        assert_eq!(reply.bad_place(), name);
    }
}

#[tokio::test]
async fn runs_of_tenants_that_the_caller_does_not_belong_to_are_not_counted() {
    let stage = Stage::set().await;
    stage.synced(1).await;
    let elsewhere = stage.scenario.tenant("Fabrikam").await.id;
    let stranger = stage.scenario.member(elsewhere, Role::Owner).await;
    let named = format!("{PATH}?tenant_id={}", stage.tenant.id);
    for path in [PATH, &named] {
        let counts = stage.api.get(path, &stranger.token).await;
        assert_eq!(counts.body["total"], 0, "{path}");
    }
}

#[tokio::test]
async fn ten_thousand_runs_are_counted_and_not_more() {
    let stage = Stage::set().await;
    stage.synced(1).await;
    let connection = stage.database.connection().await;
    let more = format!(
        "INSERT INTO operation_runs (id, tenant_id, kind, identity, lock_scope, status, outcome, inputs,
            initiator_id, completed_at, created_at)
        SELECT md5('run ' || n)::uuid, '{}', 'inventory_sync', n::text, 'x', 'completed', 'failed', '{{}}',
            '{}', clock_timestamp(), clock_timestamp() - n * interval '1 minute'
        FROM generate_series(1, 10100) n",
        stage.tenant.id, stage.operator.id
    );
    connection.batch_execute(&more).await.unwrap();
    let counts = stage.get(PATH).await.body;
    assert_eq!(
        (&counts["total"], &counts["capped"]),
        (&json!(10_000), &json!(true))
    );
    assert_eq!(counts["by_outcome"]["failed"], 9_999);
    assert_eq!(
        counts["by_outcome"]["succeeded"], 1,
        "the newest are counted"
    );
}
