//! The installation as a whole: workers, queues, pausing and retention.

mod freshness;
mod retention;

use std::time::Duration;

use atlas_domain::access::operator::can_operate_installation;
use atlas_domain::ids::{RunId, WorkerId};
use atlas_domain::run::{Completion, OperationKind, RunState, WaitReason};
use atlas_store::{EndedLastHour, QueueStats, WorkerReport, WorkerState, WorkerView};

use crate::{Stage, terms};

const KIND: OperationKind = OperationKind::InventorySync;

fn report(id: &str, draining: bool) -> WorkerReport {
    WorkerReport {
        id: WorkerId::from_name(id.to_owned()),
        version: "1.2.3".to_owned(),
        host: "box".to_owned(),
        slots: 4,
        draining,
    }
}

impl Stage {
    async fn stats(&self) -> QueueStats {
        let mut all = self.store.queue_stats().await.unwrap();
        assert_eq!(all.len(), OperationKind::ALL.len());
        all.retain(|stats| stats.kind == KIND.as_str());
        all.remove(0)
    }

    async fn workers(&self) -> Vec<WorkerView> {
        let permit = can_operate_installation(true).unwrap();
        self.store.workers(&permit).await.unwrap()
    }

    async fn wait(&self, json: &str) -> RunId {
        self.scenario
            .queued_run(self.tenant.id, self.operator.id, json)
            .await
    }

    /// A run that was executed and ended.
    async fn done(&self) -> RunId {
        let run = self.wait("{}").await;
        let claim = self.store.claim_next(&terms("w")).await.unwrap().unwrap();
        let selection = claim.inputs.selection().unwrap();
        let keys: Vec<_> = selection.keys().into_iter().collect();
        let begun = self
            .store
            .begin_sync(&claim.lease, claim.initiator_id, selection, &keys);
        begun.await.unwrap();
        assert!(!keys.is_empty());
        let completion = Completion::of_results(&[]);
        self.store.finish(claim, &completion, None).await.unwrap();
        run
    }
}

#[tokio::test]
async fn a_worker_reports_drains_falls_silent_and_is_forgotten() {
    let stage = Stage::set().await;
    stage
        .store
        .report_worker(&report("a", false))
        .await
        .unwrap();
    stage.wait("{}").await;
    let _claim = stage.store.claim_next(&terms("a")).await.unwrap().unwrap();
    let first = stage.workers().await.remove(0);
    assert_eq!(first.state, WorkerState::Working);
    assert_eq!(
        (
            first.id.as_str(),
            first.version.as_str(),
            first.host.as_str()
        ),
        ("a", "1.2.3", "box")
    );
    assert_eq!((first.slots, first.running), (4, 1));

    stage.store.report_worker(&report("a", true)).await.unwrap();
    let second = stage.workers().await.remove(0);
    assert_eq!(second.state, WorkerState::Draining);
    assert_eq!(second.started_at, first.started_at);
    assert!(second.heartbeat_at > first.heartbeat_at);

    stage
        .execute("UPDATE workers SET heartbeat_at = clock_timestamp() - interval '61 seconds'")
        .await;
    assert_eq!(stage.workers().await[0].state, WorkerState::Silent);
    assert_eq!(stage.prune(1).await.workers, 0, "it is looked at for a day");

    stage
        .store
        .report_worker(&report("b", false))
        .await
        .unwrap();
    let gone = WorkerId::from_name("a".to_owned());
    stage.store.forget_worker(&gone).await.unwrap();
    let left = stage.workers().await;
    assert_eq!((left.len(), left[0].id.as_str()), (1, "b"));

    stage
        .execute("UPDATE workers SET heartbeat_at = clock_timestamp() - interval '25 hours'")
        .await;
    assert_eq!(stage.prune(1).await.workers, 1);
    assert!(stage.workers().await.is_empty());
}

#[tokio::test]
async fn a_paused_kind_is_not_claimed_and_both_ways_are_audited() {
    let stage = Stage::set().await;
    let run = stage.wait("{}").await;
    let (store, reason) = (&stage.store, Some("Graph is being migrated"));
    assert!(store.pause(KIND, "sam", reason).await.unwrap());
    assert!(
        !store.pause(KIND, "kim", None).await.unwrap(),
        "it is paused"
    );
    assert!(store.claim_next(&terms("w")).await.unwrap().is_none());
    let waiting = store.run(stage.operator.id, run).await.unwrap().unwrap();
    assert!(matches!(
        waiting.state,
        RunState::Queued {
            wait: Some(WaitReason::Paused),
            ..
        }
    ));
    let stats = stage.stats().await;
    let pause = stats.pause.unwrap();
    assert_eq!(
        (pause.by.as_str(), pause.reason.as_deref()),
        ("sam", reason)
    );
    assert_eq!((stats.queued, stats.due, stats.overdue), (1, 0, 0));

    assert!(store.resume(KIND, "kim").await.unwrap());
    assert!(!store.resume(KIND, "kim").await.unwrap());
    let claim = store.claim_next(&terms("w")).await.unwrap().unwrap();
    assert_eq!(claim.lease.run_id, run);
    let audited = "SELECT count(*) FROM audit_events WHERE tenant_id IS NULL AND \
        actor_kind = 'installation' AND target_id = 'inventory_sync' AND \
        (action, detail->>'by') IN (('queue.paused', 'sam'), ('queue.resumed', 'kim'))";
    assert_eq!(stage.count(audited).await, 2);
    let all = "SELECT count(*) FROM audit_events WHERE action LIKE 'queue.%'";
    assert_eq!(stage.count(all).await, 2);
}

#[tokio::test]
async fn the_time_of_a_pause_does_not_count_toward_the_queue_limit() {
    let stage = Stage::set().await;
    stage.wait("{}").await;
    assert!(stage.store.pause(KIND, "sam", None).await.unwrap());
    stage
        .execute(
            "UPDATE queue_controls SET paused_at = clock_timestamp() - interval '23 hours'; \
             UPDATE operation_runs SET created_at = clock_timestamp() - interval '25 hours', \
                expires_at = clock_timestamp() - interval '1 hour'",
        )
        .await;
    let ended = async || stage.store.fail_queue_timeouts(10).await.unwrap().completed;
    assert_eq!(ended().await, 0, "nobody could have taken it");
    assert!(stage.store.resume(KIND, "sam").await.unwrap());
    assert_eq!(ended().await, 0, "it waited for two hours before the pause");
    stage
        .execute("UPDATE operation_runs SET expires_at = expires_at - interval '23 hours'")
        .await;
    assert_eq!(ended().await, 1);
}

#[tokio::test]
async fn an_operator_is_recognized_by_the_token() {
    let stage = Stage::set().await;
    let id = stage
        .store
        .add_operator("o@example.test", "O")
        .await
        .unwrap();
    let taken = stage.store.add_operator("O@example.test", "O").await;
    assert!(matches!(taken, Err(atlas_store::StoreError::Conflict(_))));
    let token =
        atlas_domain::access::api_token::ApiToken::mint(&atlas_domain::clock::SystemEntropy);
    stage
        .store
        .create_token(id, "test", &token.hash(), &token.last_four(), None)
        .await
        .unwrap();
    let found = stage.store.principal_by_token(&token.hash()).await.unwrap();
    assert!(matches!(found, atlas_store::TokenLookup::Active(who) if who.is_operator));
    let audited = "SELECT count(*) FROM audit_events WHERE action = 'user.operator_added'";
    assert_eq!(stage.count(audited).await, 1);
    let marked = "SELECT count(*) FROM users WHERE is_operator";
    assert_eq!(stage.count(marked).await, 1, "the others are none");
}

#[tokio::test]
async fn the_numbers_are_those_of_the_rows() {
    let stage = Stage::set().await;
    assert_eq!(
        stage.stats().await,
        QueueStats {
            kind: "inventory_sync".to_owned(),
            queued: 0,
            due: 0,
            oldest_due_seconds: 0,
            overdue: 0,
            running: 0,
            lease_expired: 0,
            ended_last_hour: EndedLastHour::default(),
            pause: None,
        }
    );
    // Six tenants: due for three minutes, due for one, in backoff, and one that runs while another
    // of its runs waits. The rest ended: lately, and long ago.
    let seed = "INSERT INTO tenants (id, name, directory_id) \
        SELECT md5('t' || n)::uuid, 't' || n, md5('d' || n)::uuid FROM generate_series(1, 6) n; \
        INSERT INTO operation_runs (id, tenant_id, kind, identity, lock_scope, inputs, \
            initiator_id, status, outcome, completed_at, not_before, worker_id, lease_token, \
            lease_expires_at, heartbeat_at) \
        SELECT gen_random_uuid(), md5('t' || tenant)::uuid, 'inventory_sync', \
            gen_random_uuid()::text, 'inventory', '{}', (SELECT id FROM users LIMIT 1), \
            status, outcome, clock_timestamp() - ended, clock_timestamp() - due, \
            worker, md5(worker)::uuid, clock_timestamp() - lease, \
            CASE WHEN worker IS NOT NULL THEN clock_timestamp() END \
        FROM (VALUES \
            (1, 'queued', NULL, NULL::interval, interval '3 minutes', NULL, NULL::interval), \
            (2, 'queued', NULL, NULL, interval '1 minute', NULL, NULL), \
            (3, 'queued', NULL, NULL, interval '-5 minutes', NULL, NULL), \
            (4, 'running', NULL, NULL, interval '1 hour', 'w', interval '31 seconds'), \
            (4, 'queued', NULL, NULL, interval '1 hour', NULL, NULL), \
            (5, 'running', NULL, NULL, interval '1 hour', 'v', interval '-20 seconds'), \
            (6, 'completed', 'succeeded', interval '1 minute', interval '2 hours', NULL, NULL), \
            (6, 'completed', 'failed', interval '59 minutes', interval '2 hours', NULL, NULL), \
            (6, 'completed', 'cancelled', interval '61 minutes', interval '2 hours', NULL, NULL)) \
            AS rows (tenant, status, outcome, ended, due, worker, lease)";
    stage.execute(seed).await;
    let stats = stage.stats().await;
    assert!(
        (180..240).contains(&stats.oldest_due_seconds),
        "{}",
        stats.oldest_due_seconds
    );
    assert_eq!(
        stats,
        QueueStats {
            queued: 4,
            due: 2,
            overdue: 1,
            running: 2,
            lease_expired: 1,
            ended_last_hour: EndedLastHour {
                succeeded: 1,
                failed: 1,
                ..EndedLastHour::default()
            },
            ..stats.clone()
        }
    );
}
