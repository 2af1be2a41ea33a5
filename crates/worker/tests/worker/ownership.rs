//! Who may go on with a run, and who must stop.

use atlas_domain::run::{Outcome, Status};
use atlas_graph_sim::{GateRule, PathMatch};

use crate::house::House;

const ONE_TYPE: &str = r#"{"policy_types": ["mobileApp"], "include_foundations": false}"#;

fn apps() -> PathMatch {
    PathMatch::exact("/beta/deviceAppManagement/mobileApps")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_shut_down_gives_its_run_back_and_another_ends_it() {
    let house = House::build().await;
    let (tenant, member) = house.tenant().await;
    let gate = house.simulator.hold(GateRule::new(apps()));
    let first = house.worker_with(&["--shutdown-grace=1ms"]);
    let run = house.press(tenant, &member, ONE_TYPE).await;
    gate.someone_waiting().await;
    first.stop().await;
    assert_eq!(house.status(&member, run).await, Status::Queued);

    gate.release();
    let second = house.worker();
    assert_eq!(house.ended(&member, run).await.0, Outcome::Succeeded);
    second.stop().await;
    let run = house.store.run(member.id, run).await.unwrap().unwrap();
    assert_eq!(
        (run.attempt, run.failures),
        (2, 0),
        "a hand-back is no failure"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_shut_down_lets_a_run_end_within_the_grace_time() {
    let house = House::build().await;
    let (tenant, member) = house.tenant().await;
    let gate = house.simulator.hold(GateRule::new(apps()));
    let worker = house.worker_with(&["--shutdown-grace=30s"]);
    let run = house.press(tenant, &member, ONE_TYPE).await;
    gate.someone_waiting().await;
    let stopping = tokio::spawn(worker.stop());
    gate.release();
    stopping.await.unwrap();
    assert_eq!(house.ended(&member, run).await.0, Outcome::Succeeded);
    let run = house.store.run(member.id, run).await.unwrap().unwrap();
    assert_eq!(run.attempt, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_cancel_stops_the_run_and_frees_the_tenant() {
    let house = House::build().await;
    let (tenant, member) = house.tenant().await;
    let gate = house.simulator.hold(GateRule::new(apps()));
    let worker = house.worker();
    let run = house.press(tenant, &member, ONE_TYPE).await;
    gate.someone_waiting().await;
    house.ask_to_cancel(run).await;
    assert_eq!(house.ended(&member, run).await.0, Outcome::Cancelled);
    gate.release();
    let next = house.press(tenant, &member, ONE_TYPE).await;
    assert_eq!(house.ended(&member, next).await.0, Outcome::Succeeded);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_run_was_taken_over_writes_nothing_more() {
    let house = House::build().await;
    let (tenant, member) = house.tenant().await;
    let gate = house.simulator.hold(GateRule::new(apps()));
    // A lease so long that the worker itself notices nothing before it writes.
    let worker = house.worker_with(&["--lease=10m", "--heartbeat=3m"]);
    let run = house.press(tenant, &member, ONE_TYPE).await;
    gate.someone_waiting().await;
    let connection = house.database.connection().await;
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
    assert!(house.items(tenant).await.is_empty());
    assert_eq!(
        house.status(&member, run).await,
        Status::Running,
        "it is the other's"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_worker_vanished_is_taken_back_and_done_by_another() {
    let house = House::build().await;
    let (tenant, member) = house.tenant().await;
    let run = house
        .scenario
        .queued_run(tenant.id, member.id, ONE_TYPE)
        .await;
    // As a worker leaves it that was killed while it held the run.
    let terms = atlas_domain::run::lease::LeaseTerms {
        worker_id: atlas_domain::ids::WorkerId::from_name("vanished".to_owned()),
        duration: std::time::Duration::from_millis(1),
    };
    let claim = house.store.claim_next(&terms).await.unwrap().unwrap();
    assert_eq!(claim.lease.run_id, run);
    let worker = house.worker();
    assert_eq!(house.ended(&member, run).await.0, Outcome::Succeeded);
    worker.stop().await;
    let run = house.store.run(member.id, run).await.unwrap().unwrap();
    assert_eq!((run.attempt, run.failures), (2, 1));
}
