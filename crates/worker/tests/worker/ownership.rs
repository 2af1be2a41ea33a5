//! Who may go on with a run, and who must stop.

use atlas_domain::run::{Outcome, Status};
use atlas_graph_sim::{GateRule, PathMatch};

use crate::installation::Installation;

const ONE_TYPE: &str = r#"{"policy_types": ["mobileApp"], "include_foundations": false}"#;

fn apps() -> PathMatch {
    PathMatch::exact("/beta/deviceAppManagement/mobileApps")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_shut_down_gives_its_run_back_and_another_ends_it() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let gate = installation.simulator.hold(GateRule::new(apps()));
    let first = installation.worker_with(&["--shutdown-grace=1ms"]);
    let run = installation.press(tenant, &member, ONE_TYPE).await;
    gate.someone_waiting().await;
    first.stop().await;
    assert_eq!(installation.status(&member, run).await, Status::Queued);

    gate.release();
    let second = installation.worker();
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Succeeded);
    second.stop().await;
    let run = installation.run(&member, run).await;
    assert_eq!(
        (run.attempt, run.failures),
        (2, 0),
        "a hand-back is no failure"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_shut_down_lets_a_run_end_within_the_grace_time() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let gate = installation.simulator.hold(GateRule::new(apps()));
    let worker = installation.worker_with(&["--shutdown-grace=30s"]);
    let run = installation.press(tenant, &member, ONE_TYPE).await;
    gate.someone_waiting().await;
    let stopping = tokio::spawn(worker.stop());
    gate.release();
    stopping.await.unwrap();
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Succeeded);
    let run = installation.run(&member, run).await;
    assert_eq!(run.attempt, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_cancel_stops_the_run_and_frees_the_tenant() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let gate = installation.simulator.hold(GateRule::new(apps()));
    let worker = installation.worker();
    let run = installation.press(tenant, &member, ONE_TYPE).await;
    gate.someone_waiting().await;
    installation.ask_to_cancel(run).await;
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Cancelled);
    gate.release();
    let next = installation.press(tenant, &member, ONE_TYPE).await;
    assert_eq!(
        installation.ended(&member, next).await.0,
        Outcome::Succeeded
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_run_was_taken_over_writes_nothing_more() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let gate = installation.simulator.hold(GateRule::new(apps()));
    // A lease so long that the worker itself notices nothing before it writes.
    let worker = installation.worker_with(&["--lease=10m", "--heartbeat=3m"]);
    let run = installation.press(tenant, &member, ONE_TYPE).await;
    gate.someone_waiting().await;
    let connection = installation.database.connection().await;
    connection
        .batch_execute(
            "UPDATE tenant_fences SET fence = fence + 1, token = gen_random_uuid(); \
             UPDATE operation_runs SET lease_token = gen_random_uuid(), attempt = attempt + 1, \
                worker_id = 'another'",
        )
        .await
        .unwrap();
    gate.release();
    worker.stop().await;
    assert!(installation.items(tenant).await.is_empty());
    assert_eq!(
        installation.status(&member, run).await,
        Status::Running,
        "it is the other's"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_worker_vanished_is_taken_back_and_done_by_another() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let run = installation
        .scenario
        .queued_run(tenant.id, member.id, ONE_TYPE)
        .await;
    // As a worker leaves it that was killed while it held the run.
    let terms = atlas_domain::run::lease::LeaseTerms {
        worker_id: atlas_domain::ids::WorkerId::from_name("vanished".to_owned()),
        duration: std::time::Duration::from_millis(1),
    };
    let claim = installation
        .store
        .claim_next(&terms)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claim.lease.run_id, run);
    let worker = installation.worker();
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Succeeded);
    worker.stop().await;
    let run = installation.run(&member, run).await;
    assert_eq!((run.attempt, run.failures), (2, 1));
}
