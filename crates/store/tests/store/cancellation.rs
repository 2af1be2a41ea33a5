//! Stopping runs on request, also in the same moment as something else happens to them.

use std::pin::Pin;
use std::time::Duration;

use atlas_domain::access::cancellation::{CancelPermit, can_cancel_run};
use atlas_domain::access::{Membership, Role};
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::ids::{RequestId, RunId, TenantId, UserId};
use atlas_domain::run::{
    CancelReason, Completion, OperationKind, OperationRun, Outcome, RunState, Status,
};
use atlas_store::{
    CancelError, Cancellation, DispatchFailure, Exit, FoundRun, Heartbeat, Origin, Store,
};
use atlas_test_support::eventually;

use crate::{Stage, terms};

/// The run ended and no other waits for it.
fn completed(outcome: Outcome) -> Exit {
    Exit::Completed {
        outcome,
        next: None,
    }
}

/// Something that happens to a run.
type Step<T> = Pin<Box<dyn Future<Output = T> + Send>>;

const LEASE: Duration = Duration::from_secs(45);

fn permit(tenant_id: TenantId, user_id: UserId) -> CancelPermit {
    let membership = Membership {
        tenant_id,
        user_id,
        role: Role::Operator,
    };
    can_cancel_run(&membership).unwrap()
}

async fn cancel(
    store: Store,
    permit: CancelPermit,
    run: RunId,
    reason: &'static str,
) -> Result<Cancellation, CancelError> {
    let reason = CancelReason::parse(reason).unwrap();
    let request = RequestId::mint(&SystemClock, &SystemEntropy);
    store
        .cancel_run(permit, run, reason.as_ref(), request, &Origin::default())
        .await
}

fn cancelled(answer: Result<Cancellation, CancelError>) -> OperationRun {
    match answer.unwrap() {
        Cancellation::Cancelled(run) => run,
        Cancellation::Requested(run) => panic!("only requested: {run:?}"),
    }
}

fn requested(answer: Result<Cancellation, CancelError>) -> OperationRun {
    match answer.unwrap() {
        Cancellation::Requested(run) => run,
        Cancellation::Cancelled(run) => panic!("cancelled: {run:?}"),
    }
}

impl Stage {
    async fn queued(&self) -> RunId {
        self.scenario
            .queued_run(self.tenant.id, self.operator.id, "{}")
            .await
    }

    fn cancelling(&self, run: RunId) -> Step<Result<Cancellation, CancelError>> {
        let permit = permit(self.tenant.id, self.operator.id);
        Box::pin(cancel(self.store.clone(), permit, run, ""))
    }

    async fn seen(&self, run: RunId) -> OperationRun {
        let run = self.store.run(self.operator.id, run).await.unwrap();
        run.unwrap()
    }

    async fn events(&self) -> Vec<String> {
        let sql = "SELECT event FROM operation_run_events ORDER BY seq";
        let rows = self.database.connection().await.query(sql, &[]).await;
        rows.unwrap().iter().map(|row| row.get(0)).collect()
    }

    async fn notified_of_the_cancellation(&self) -> i64 {
        let sql = "SELECT count(*) FROM notifications WHERE phase = 'terminal' \
                   AND title = 'Inventory sync of Contoso was cancelled'";
        self.count(sql).await
    }

    async fn audited(&self, action: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM audit_events WHERE action = '{action}'");
        self.count(&sql).await
    }

    /// Lets two steps meet at the run's row: both wait for it, in this order, before it is free.
    async fn meet<A: Send + 'static, B: Send + 'static>(
        &self,
        first: Step<A>,
        second: Step<B>,
    ) -> (A, B) {
        let gate = self.database.connection().await;
        let close = "BEGIN; SELECT FROM operation_runs FOR UPDATE";
        gate.batch_execute(close).await.unwrap();
        let first = tokio::spawn(first);
        self.waiting(1).await;
        let second = tokio::spawn(second);
        self.waiting(2).await;
        gate.batch_execute("COMMIT").await.unwrap();
        (first.await.unwrap(), second.await.unwrap())
    }

    async fn waiting(&self, expected: i64) {
        let sql = "SELECT count(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
        eventually("statements to wait for the row", || async {
            (self.count(sql).await == expected).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_queued_run_ends_at_once_and_its_initiator_is_notified_who_asked() {
    let stage = Stage::set().await;
    let manager = stage.scenario.member(stage.tenant.id, Role::Manager).await;
    let run = stage.queued().await;
    let answer = cancel(
        stage.store.clone(),
        permit(stage.tenant.id, manager.id),
        run,
        " wrong tenant ",
    );
    let ended = cancelled(answer.await);
    assert_eq!(ended.state.outcome(), Some(Outcome::Cancelled));
    let request = ended.cancel.clone().unwrap();
    let by = Some((manager.id, "Test User".to_owned()));
    assert_eq!(request.requested_by, by);
    assert_eq!(request.reason.as_deref(), Some("wrong tenant"));
    assert_eq!(ended, stage.seen(run).await);

    assert_eq!(stage.events().await, ["queued", "cancelled"]);
    let reported = format!(
        "SELECT count(*) FROM notifications WHERE phase = 'terminal' AND user_id = '{}'",
        stage.operator.id
    );
    assert_eq!(stage.count(&reported).await, 1);
    assert_eq!(stage.notified_of_the_cancellation().await, 1);
    let audited = format!(
        "SELECT count(*) FROM audit_events WHERE action = 'operation_run.cancelled' \
         AND actor_id = '{}' AND target_id = '{run}' AND outcome = 'allowed' \
         AND request_id IS NOT NULL AND detail->>'reason' = 'wrong tenant'",
        manager.id
    );
    assert_eq!(stage.count(&audited).await, 1);

    assert!(stage.store.claim_next(&terms("w")).await.unwrap().is_none());
    assert_ne!(stage.queued().await, run, "the same may be asked for again");
}

#[tokio::test]
async fn a_running_run_is_asked_once_however_often_and_ends_as_cancelled_even_when_it_was_quicker()
{
    let stage = Stage::set().await;
    let manager = stage.scenario.member(stage.tenant.id, Role::Manager).await;
    let run = stage.queued().await;
    let claim = stage.store.claim_next(&terms("w")).await.unwrap().unwrap();
    let first = requested(stage.cancelling(run).await);
    let request = first.cancel.clone().unwrap();
    let grace = request.deadline_at - request.requested_at;
    assert_eq!(grace.num_seconds(), 30);
    assert_eq!(first.state.status(), Status::Running);
    let again = cancel(
        stage.store.clone(),
        permit(stage.tenant.id, manager.id),
        run,
        "me too",
    );
    assert_eq!(requested(again.await).cancel, Some(request));
    assert_eq!(stage.audited("operation_run.cancel_requested").await, 1);

    let renewed = stage.store.heartbeat(&claim.lease, LEASE, None).await;
    let reported = Heartbeat::Renewed {
        cancel_requested: true,
    };
    assert_eq!(renewed.unwrap(), reported);
    let succeeded = Completion::of_results(&[]);
    stage.store.finish(claim, &succeeded, None).await.unwrap();
    let ended = stage.seen(run).await;
    assert_eq!(ended.state.outcome(), Some(Outcome::Cancelled));
    assert_eq!(
        stage.events().await,
        ["queued", "claimed", "cancel_requested", "cancelled"]
    );
    assert_eq!(stage.notified_of_the_cancellation().await, 1);
    // Asking once more answers with the run as it ended and writes nothing.
    assert_eq!(cancelled(stage.cancelling(run).await), ended);
    assert_eq!(stage.events().await.len(), 4);
}

#[tokio::test]
async fn a_run_whose_worker_does_not_stop_is_ended_after_its_deadline() {
    let stage = Stage::set().await;
    let run = stage.queued().await;
    let claim = stage.store.claim_next(&terms("w")).await.unwrap().unwrap();
    requested(stage.cancelling(run).await);
    assert_eq!(stage.store.cancel_overdue(10).await.unwrap().completed, 0);
    stage
        .execute("UPDATE operation_runs SET cancel_deadline_at = clock_timestamp()")
        .await;
    assert_eq!(stage.store.cancel_overdue(10).await.unwrap().completed, 1);
    let late = Completion::of_results(&[]);
    let ended = stage.store.finish(claim, &late, None).await.unwrap();
    let outcome = Outcome::Cancelled;
    let found = FoundRun::Completed { outcome };
    assert_eq!(ended, Exit::Lost { found });
    let run = stage.seen(run).await;
    assert_eq!(run.state.outcome(), Some(Outcome::Cancelled));
    assert_eq!(stage.notified_of_the_cancellation().await, 1);
}

#[tokio::test]
async fn a_run_that_has_ended_otherwise_is_shown_and_stays_as_it_is() {
    let stage = Stage::set().await;
    let run = stage.queued().await;
    let claim = stage.store.claim_next(&terms("w")).await.unwrap().unwrap();
    let succeeded = Completion::of_results(&[]);
    stage.store.finish(claim, &succeeded, None).await.unwrap();
    match stage.cancelling(run).await {
        Err(CancelError::AlreadyTerminal(shown)) => assert_eq!(*shown, stage.seen(run).await),
        other => panic!("{other:?}"),
    }
    assert_eq!(stage.audited("operation_run.cancelled").await, 0);
}

#[tokio::test]
async fn a_permit_is_worth_nothing_after_the_role_changed_or_in_another_tenant() {
    let stage = Stage::set().await;
    let run = stage.queued().await;
    let other = stage.scenario.tenant("Fabrikam").await;
    let owner = stage.scenario.member(other.id, Role::Owner).await;
    let foreign = cancel(
        stage.store.clone(),
        permit(other.id, owner.id),
        run,
        "not mine",
    );
    assert!(matches!(foreign.await, Err(CancelError::NotPermitted)));
    let given = stage.cancelling(run);
    stage
        .store
        .set_member(stage.tenant.id, stage.operator.id, Role::Readonly)
        .await
        .unwrap();
    assert!(matches!(given.await, Err(CancelError::NotPermitted)));
    assert_eq!(stage.seen(run).await.state.status(), Status::Queued);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_first_to_the_row_decides_between_finish_and_cancel() {
    for finish_first in [true, false] {
        let stage = Stage::set().await;
        let run = stage.queued().await;
        let claim = stage.store.claim_next(&terms("w")).await.unwrap().unwrap();
        let store = stage.store.clone();
        let finish = Box::pin(async move {
            let succeeded = Completion::of_results(&[]);
            store.finish(claim, &succeeded, None).await.unwrap()
        });
        let outcome = if finish_first {
            let (ended, refused) = stage.meet(finish, stage.cancelling(run)).await;
            assert_eq!(ended, completed(Outcome::Succeeded));
            assert!(matches!(refused, Err(CancelError::AlreadyTerminal(_))));
            Outcome::Succeeded
        } else {
            let (asked, ended) = stage.meet(stage.cancelling(run), finish).await;
            requested(asked);
            assert_eq!(ended, completed(Outcome::Cancelled));
            Outcome::Cancelled
        };
        let run = stage.seen(run).await;
        assert_eq!(run.state.outcome(), Some(outcome));
        assert_eq!(run.cancel.is_some(), !finish_first);
        let reported = "SELECT count(*) FROM notifications WHERE phase = 'terminal'";
        assert_eq!(stage.count(reported).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_given_back_while_it_is_cancelled_ends_either_way() {
    for back_first in [true, false] {
        let stage = Stage::set().await;
        let run = stage.queued().await;
        let claim = stage.store.claim_next(&terms("w")).await.unwrap().unwrap();
        let store = stage.store.clone();
        let back = Box::pin(async move { store.hand_back(claim).await.unwrap() });
        if back_first {
            let (back, ended) = stage.meet(back, stage.cancelling(run)).await;
            assert_eq!(back, Exit::Queued);
            cancelled(ended);
        } else {
            let (asked, back) = stage.meet(stage.cancelling(run), back).await;
            requested(asked);
            assert_eq!(back, completed(Outcome::Cancelled));
        }
        let run = stage.seen(run).await;
        assert_eq!(run.state.outcome(), Some(Outcome::Cancelled));
        assert_eq!(stage.notified_of_the_cancellation().await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_could_not_be_pushed_and_is_cancelled_ends_once() {
    for dispatch_first in [true, false] {
        let stage = Stage::set().await;
        let run = stage.queued().await;
        let store = stage.store.clone();
        let dispatch = Box::pin(async move {
            store
                .fail_dispatch(run, OperationKind::InventorySync)
                .await
                .unwrap()
        });
        let outcome = if dispatch_first {
            let (failed, refused) = stage.meet(dispatch, stage.cancelling(run)).await;
            assert!(matches!(failed, DispatchFailure::Failed(_)));
            assert!(matches!(refused, Err(CancelError::AlreadyTerminal(_))));
            Outcome::Failed
        } else {
            let (ended, taken) = stage.meet(stage.cancelling(run), dispatch).await;
            cancelled(ended);
            assert!(matches!(taken, DispatchFailure::Taken(_)));
            Outcome::Cancelled
        };
        assert_eq!(stage.seen(run).await.state.outcome(), Some(outcome));
        let reported = "SELECT count(*) FROM notifications WHERE phase = 'terminal'";
        assert_eq!(stage.count(reported).await, 1);
        assert_eq!(stage.events().await.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_cancellations_at_once_one_is_recorded() {
    let stage = Stage::set().await;
    let run = stage.queued().await;
    let _claim = stage.store.claim_next(&terms("w")).await.unwrap().unwrap();
    let asked: Vec<_> = (0..8)
        .map(|_| tokio::spawn(stage.cancelling(run)))
        .collect();
    let mut requests = Vec::new();
    for one in asked {
        requests.push(requested(one.await.unwrap()).cancel.unwrap());
    }
    assert!(requests.iter().all(|request| *request == requests[0]));
    assert_eq!(stage.audited("operation_run.cancel_requested").await, 1);
    assert_eq!(
        stage.events().await,
        ["queued", "claimed", "cancel_requested"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_in_the_same_moment_gets_the_run_and_learns_of_it_or_does_not_get_it() {
    let stage = Stage::set().await;
    for _ in 0..24 {
        let run = stage.queued().await;
        let store = stage.store.clone();
        let asked = tokio::spawn(stage.cancelling(run));
        let claim = tokio::spawn(async move { store.claim_next(&terms("w")).await.unwrap() });
        let (asked, claim) = (asked.await.unwrap().unwrap(), claim.await.unwrap());
        match (asked, claim) {
            (Cancellation::Cancelled(_), None) => {}
            (Cancellation::Requested(_), Some(claim)) => {
                let renewed = stage.store.heartbeat(&claim.lease, LEASE, None).await;
                let reported = Heartbeat::Renewed {
                    cancel_requested: true,
                };
                assert_eq!(renewed.unwrap(), reported);
                stage.store.hand_back(claim).await.unwrap();
            }
            (asked, claim) => panic!("{asked:?} and {claim:?}"),
        }
        let state = stage.seen(run).await.state;
        let ended = matches!(
            state,
            RunState::Completed {
                outcome: Outcome::Cancelled,
                ..
            }
        );
        assert!(ended, "{state:?}");
    }
    assert_eq!(stage.notified_of_the_cancellation().await, 24);
}
