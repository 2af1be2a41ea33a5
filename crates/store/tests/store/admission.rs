//! Created, joined, refused; and the push that failed.

use atlas_domain::access::Role;
use atlas_domain::run::{OperationKind, Outcome, RunState, Status};
use atlas_store::{Admission, AdmitError, DispatchFailure};
use atlas_test_support::Scenario;

use crate::{Stage, terms};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_racing_starts_one_is_created_and_all_others_join_it() {
    let stage = Stage::set().await;
    let starts = (0..64).map(|_| {
        let (store, tenant, user) = (stage.store.clone(), stage.tenant.id, stage.operator.id);
        tokio::spawn(async move {
            store
                .admit(Scenario::permit(tenant, user), Scenario::start("{}"))
                .await
                .unwrap()
        })
    });
    let mut created = Vec::new();
    let mut joined = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        match start.await.unwrap() {
            Admission::Created(run) => created.push(run.id),
            Admission::Joined(run) => joined.push(run.id),
            Admission::Repeated(used) => panic!("no start had a key: {used:?}"),
        }
    }
    assert_eq!((created.len(), joined.len()), (1, 63));
    assert!(joined.iter().all(|id| *id == created[0]));
    assert_eq!(stage.count("SELECT count(*) FROM operation_runs").await, 1);
    assert_eq!(
        stage
            .count("SELECT count(*) FROM operation_run_events")
            .await,
        1
    );
    assert_eq!(
        stage
            .count("SELECT count(*) FROM notifications WHERE phase = 'queued'")
            .await,
        1
    );
    for (action, times) in [("started", 1), ("joined", 63)] {
        let sql =
            format!("SELECT count(*) FROM audit_events WHERE action = 'operation_run.{action}'");
        assert_eq!(stage.count(&sql).await, times);
    }
}

#[tokio::test]
async fn another_selection_is_another_run_and_an_ended_run_does_not_dedupe() {
    let stage = Stage::set().await;
    let (tenant, user) = (stage.tenant.id, stage.operator.id);
    let first = stage.scenario.queued_run(tenant, user, "{}").await;
    let other = r#"{"policy_types":["mobileApp"]}"#;
    assert_ne!(stage.scenario.queued_run(tenant, user, other).await, first);
    let failed = stage
        .store
        .fail_dispatch(first, OperationKind::InventorySync)
        .await
        .unwrap();
    assert!(matches!(failed, DispatchFailure::Failed(_)));
    assert_ne!(stage.scenario.queued_run(tenant, user, "{}").await, first);
}

#[tokio::test]
async fn a_permit_whose_membership_changed_is_refused_and_records_nothing() {
    let stage = Stage::set().await;
    let (tenant, user) = (stage.tenant.id, stage.operator.id);
    let permit = Scenario::permit(tenant, user);
    stage
        .store
        .set_member(tenant, user, Role::Readonly)
        .await
        .unwrap();
    let refused = stage.store.admit(permit, Scenario::start("{}")).await;
    assert!(
        matches!(refused, Err(AdmitError::NotPermitted)),
        "{refused:?}"
    );

    let stranger = stage.scenario.stranger().await;
    let refused = stage
        .store
        .admit(Scenario::permit(tenant, stranger.id), Scenario::start("{}"))
        .await;
    assert!(matches!(refused, Err(AdmitError::NotMember)), "{refused:?}");
    assert_eq!(stage.count("SELECT count(*) FROM operation_runs").await, 0);
    assert_eq!(stage.count("SELECT count(*) FROM notifications").await, 0);
}

#[tokio::test]
async fn tenants_without_credentials_and_disabled_ones_are_distinguished() {
    let stage = Stage::set().await;
    let bare = stage.scenario.tenant_with("Bare", None).await;
    let owner = stage.scenario.member(bare.id, Role::Owner).await;
    let refused = stage
        .store
        .admit(Scenario::permit(bare.id, owner.id), Scenario::start("{}"))
        .await;
    assert!(
        matches!(refused, Err(AdmitError::NotConnected)),
        "{refused:?}"
    );

    stage.execute("UPDATE tenants SET enabled = false").await;
    let permit = Scenario::permit(stage.tenant.id, stage.operator.id);
    let refused = stage.store.admit(permit, Scenario::start("{}")).await;
    assert!(
        matches!(refused, Err(AdmitError::TenantDisabled)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_failed_push_ends_the_run_and_notifies_the_initiator_once() {
    let stage = Stage::set().await;
    let run = stage
        .scenario
        .queued_run(stage.tenant.id, stage.operator.id, "{}")
        .await;
    let DispatchFailure::Failed(failed) = stage
        .store
        .fail_dispatch(run, OperationKind::InventorySync)
        .await
        .unwrap()
    else {
        panic!("nobody had it")
    };
    assert_eq!(failed.state.outcome(), Some(Outcome::Failed));
    assert_eq!(failed.error.unwrap().code.as_str(), "dispatch_failed");
    // A second report of the same failure finds it ended.
    let again = stage
        .store
        .fail_dispatch(run, OperationKind::InventorySync)
        .await
        .unwrap();
    assert!(matches!(again, DispatchFailure::Taken(_)));
    let terminal = "SELECT count(*) FROM notifications WHERE phase = 'terminal' \
                    AND title = 'Inventory sync of Contoso failed'";
    assert_eq!(stage.count(terminal).await, 1);
}

#[tokio::test]
async fn a_push_that_arrived_after_all_leaves_the_run_with_its_worker() {
    let stage = Stage::set().await;
    let run = stage
        .scenario
        .queued_run(stage.tenant.id, stage.operator.id, "{}")
        .await;
    let claim = stage.store.claim_next(&terms("w")).await.unwrap().unwrap();
    let DispatchFailure::Taken(taken) = stage
        .store
        .fail_dispatch(run, OperationKind::InventorySync)
        .await
        .unwrap()
    else {
        panic!("the worker has it")
    };
    assert_eq!(taken.state.status(), Status::Running);
    assert!(matches!(taken.state, RunState::Running { .. }));
    stage.store.hand_back(claim).await.unwrap();
}
