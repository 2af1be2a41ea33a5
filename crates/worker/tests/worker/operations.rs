//! What a worker does for the installation: it reports itself, and deletes what is too old.

use atlas_domain::access::operator::can_operate_installation;
use atlas_graph_sim::{GateRule, PathMatch};
use atlas_store::{WorkerState, WorkerView};
use atlas_test_support::eventually;

use crate::installation::Installation;

const ONE_TYPE: &str = r#"{"policy_types": ["mobileApp"], "include_foundations": false}"#;

impl Installation {
    async fn workers(&self) -> Vec<WorkerView> {
        let permit = can_operate_installation(true).unwrap();
        self.store.workers(&permit).await.unwrap()
    }

    /// Waits until the one worker that reports is in this state.
    async fn a_worker_is(&self, state: WorkerState) -> WorkerView {
        eventually("the worker's report", || async {
            let mut workers = self.workers().await;
            let found = workers.pop()?;
            assert!(workers.is_empty(), "{workers:?}");
            (found.state == state).then_some(found)
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_reports_itself_drains_and_is_gone() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let apps = PathMatch::exact("/beta/deviceAppManagement/mobileApps");
    let gate = installation.simulator.hold(GateRule::new(apps));
    let worker = installation.worker_with(&["--slots=3"]);
    let first = installation.a_worker_is(WorkerState::Working).await;
    assert_eq!(first.slots, 3);
    assert_eq!(first.version, env!("CARGO_PKG_VERSION"));
    assert!(first.id.as_str().starts_with(&first.host), "{first:?}");

    eventually("a further report", || async {
        let later = installation.workers().await.remove(0);
        assert_eq!(later.started_at, first.started_at);
        (later.heartbeat_at > first.heartbeat_at).then_some(())
    })
    .await;

    installation.press(tenant, &member, ONE_TYPE).await;
    gate.someone_waiting().await;
    let stopping = tokio::spawn(worker.stop());
    let draining = installation.a_worker_is(WorkerState::Draining).await;
    assert_eq!(draining.running, 1, "it ends what it has begun");
    gate.release();
    stopping.await.unwrap();
    assert!(installation.workers().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_deletes_what_is_older_than_configured_and_nothing_else() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker();
    let mut runs = Vec::new();
    for _ in 0..3 {
        let run = installation.press(tenant, &member, ONE_TYPE).await;
        installation.ended(&member, run).await;
        runs.push(run);
    }
    worker.stop().await;
    let connection = installation.database.connection().await;
    for (run, days) in runs.iter().zip(["8 days", "6 days"]) {
        let age = format!(
            "UPDATE operation_runs SET completed_at = completed_at - interval '{days}' \
             WHERE id = '{run}'"
        );
        connection.batch_execute(&age).await.unwrap();
    }
    let events = async || -> i64 {
        let sql = "SELECT count(*) FROM audit_events";
        connection.query_one(sql, &[]).await.unwrap().get(0)
    };
    let audited = events().await;
    let worker = installation.worker_with(&["--retention-runs=7d", "--retention-audit=1h"]);
    eventually("the old run to go", || async {
        let found = installation.store.run(member.id, runs[0]).await.unwrap();
        found.is_none().then_some(())
    })
    .await;
    worker.stop().await;
    for run in &runs[1..] {
        assert!(
            installation
                .store
                .run(member.id, *run)
                .await
                .unwrap()
                .is_some()
        );
    }
    assert_eq!(events().await, audited, "none is an hour old");
    assert!(!installation.items(tenant).await.is_empty(), "items stay");
}
