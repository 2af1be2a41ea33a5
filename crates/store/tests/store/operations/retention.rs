//! What is pruned when it is old enough, and what stays.

use atlas_store::{PRUNE_BATCH, Pruned, Retention};

use super::*;

const DAY: Duration = Duration::from_secs(86_400);
const RETENTION: Retention = Retention {
    runs: DAY.saturating_mul(90),
    notifications: DAY.saturating_mul(90),
    audit: DAY.saturating_mul(400),
    changes: DAY.saturating_mul(200),
    versions: DAY.saturating_mul(200),
    deliveries: DAY.saturating_mul(30),
    events: DAY.saturating_mul(30),
};

impl Stage {
    async fn age(&self, run: RunId, days: u32) {
        self.execute(&format!(
            "UPDATE operation_runs SET completed_at = clock_timestamp() - interval '{days} days' \
             WHERE id = '{run}'"
        ))
        .await;
    }

    pub(super) async fn prune(&self, batch: u32) -> Pruned {
        self.store.prune(&RETENTION, batch).await.unwrap()
    }
}

#[tokio::test]
async fn runs_past_their_age_go_with_all_that_belongs_to_them_and_others_stay() {
    let stage = Stage::set().await;
    let (old, younger, newest) = (stage.done().await, stage.done().await, stage.done().await);
    stage.age(old, 91).await;
    stage.age(younger, 89).await;
    let repeats = format!("UPDATE operation_runs SET retry_of = '{old}' WHERE id = '{newest}'");
    stage.execute(&repeats).await;
    let waiting = stage.wait("{}").await;
    stage
        .execute("UPDATE operation_runs SET created_at = '2020-01-01' WHERE status = 'queued'")
        .await;
    for table in [
        "operation_run_events",
        "inventory_sync_runs",
        "inventory_type_results",
        "notifications",
    ] {
        let sql = format!("SELECT count(*) FROM {table} WHERE run_id = '{old}'");
        assert!(stage.count(&sql).await > 0, "{table}");
    }
    assert_eq!(
        stage.prune(PRUNE_BATCH).await,
        Pruned {
            runs: 1,
            ..Pruned::default()
        }
    );
    for table in [
        "operation_run_events",
        "inventory_sync_runs",
        "inventory_type_results",
        "notifications",
    ] {
        let sql = format!("SELECT count(*) FROM {table} WHERE run_id = '{old}'");
        assert_eq!(stage.count(&sql).await, 0, "{table}");
    }
    for run in [younger, newest, waiting] {
        let found = stage.store.run(stage.operator.id, run).await.unwrap();
        assert_eq!(found.unwrap().retry_of, None);
    }
}

#[tokio::test]
async fn a_tenants_newest_run_of_each_outcome_stays_however_old() {
    let stage = Stage::set().await;
    let (first, last) = (stage.done().await, stage.done().await);
    stage.age(first, 500).await;
    stage.age(last, 499).await;
    assert_eq!(stage.prune(PRUNE_BATCH).await.runs, 1);
    assert_eq!(stage.prune(PRUNE_BATCH).await.runs, 0);
    let left = stage.store.run(stage.operator.id, last).await.unwrap();
    assert!(left.is_some());
}

#[tokio::test]
async fn items_stay_when_the_run_that_saw_them_goes() {
    let stage = Stage::set().await;
    let old = stage.done().await;
    stage
        .execute(&format!(
            "INSERT INTO inventory_items (id, tenant_id, policy_type, external_id, name, category, \
                platform, foundation, scope_tags, metadata, content_hash, first_seen_at, \
                last_seen_at, changed_at, fence, last_seen_run) \
             VALUES (gen_random_uuid(), '{}', 'mobileApp', 'x', 'X', 'Apps', 'all', false, '{{}}', \
                '{{}}', sha256('x'), now(), now(), now(), 1, '{old}')",
            stage.tenant.id
        ))
        .await;
    stage.done().await;
    stage.age(old, 91).await;
    assert_eq!(stage.prune(PRUNE_BATCH).await.runs, 1);
    let items = format!("SELECT count(*) FROM inventory_items WHERE last_seen_run = '{old}'");
    assert_eq!(stage.count(&items).await, 1);
}

#[tokio::test]
async fn the_logs_are_pruned_in_batches_and_the_audit_log_by_nobody_else() {
    let stage = Stage::set().await;
    stage.done().await;
    let old = "UPDATE notifications SET created_at = clock_timestamp() - interval '91 days'; \
        INSERT INTO audit_events (id, actor_kind, action, target_kind, target_id, outcome, \
            occurred_at) \
        SELECT gen_random_uuid(), 'worker', 'a.b', 'c', 'd', 'allowed', \
            clock_timestamp() - interval '401 days' FROM generate_series(1, 3)";
    stage.execute(old).await;
    let all = "SELECT count(*) FROM audit_events";
    let before = stage.count(all).await;
    let refused = stage
        .database
        .connection()
        .await
        .batch_execute("DELETE FROM audit_events")
        .await;
    assert!(refused.is_err(), "only retention deletes");
    assert_eq!(stage.count(all).await, before);

    let first = stage.prune(2).await;
    assert_eq!((first.notifications, first.audit_events), (2, 2));
    assert!(first.more(2));
    let second = stage.prune(2).await;
    assert_eq!((second.notifications, second.audit_events), (0, 1));
    assert!(!second.more(2));
    assert_eq!(stage.count(all).await, before - 3);
    assert_eq!(stage.prune(2).await, Pruned::default());
}

#[tokio::test]
async fn old_entries_of_tenants_and_of_none_share_a_batch() {
    let stage = Stage::set().await;
    let old = "INSERT INTO audit_events (id, tenant_id, actor_kind, action, target_kind, target_id,
            outcome, occurred_at)
        SELECT gen_random_uuid(), t.id, 'worker', 'a.b', 'c', 'd', 'allowed',
            clock_timestamp() - interval '401 days'
        FROM generate_series(1, 2), (SELECT id FROM tenants UNION ALL SELECT NULL) t";
    stage.execute(old).await;
    assert_eq!(stage.prune(3).await.audit_events, 3);
    assert_eq!(stage.prune(3).await.audit_events, 1);
    assert_eq!(stage.prune(3).await.audit_events, 0);
}

#[tokio::test]
async fn pruning_leaves_rows_alone_that_somebody_holds() {
    let stage = Stage::set().await;
    let (held, free) = (stage.done().await, stage.done().await);
    stage.done().await;
    stage.age(held, 91).await;
    stage.age(free, 91).await;
    let mut connection = stage.database.connection().await;
    let transaction = connection.transaction().await.unwrap();
    transaction
        .batch_execute(&format!(
            "SELECT 1 FROM operation_runs WHERE id = '{held}' FOR UPDATE"
        ))
        .await
        .unwrap();
    assert_eq!(stage.prune(PRUNE_BATCH).await.runs, 1);
    transaction.rollback().await.unwrap();
    assert_eq!(stage.prune(PRUNE_BATCH).await.runs, 1);
}
