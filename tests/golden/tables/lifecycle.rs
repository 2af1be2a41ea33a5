//! Runs from their start to every end that they can have, step by step and without a worker
//! process. Each step has a tenant of its own, so that no other waits for it.

use std::time::Duration;

use atlas_domain::access::cancellation::can_cancel_run;
use atlas_domain::access::{Membership, Role};
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::{RequestId, RunId, WorkerId};
use atlas_domain::run::lease::LeaseTerms;
use atlas_domain::run::{
    CancelReason, Claim, Completion, InventoryCounts, InventoryProgress, OperationKind, Progress,
    ProgressPhase, RunCounts, RunInputs,
};
use atlas_store::{Admission, FinishRun, Origin, StartRun};
use atlas_test_support::{Member, Scenario, TestTenant};

use crate::installation::Installation;
use crate::recorded::hold;

const APPS: &str = r#"{"policy_types": ["mobileApp"], "include_foundations": false}"#;
const HOUR: Duration = Duration::from_secs(3_600);

/// A tenant of which runs are taken through their life.
struct Subject<'a> {
    installation: &'a Installation,
    tenant: TestTenant,
    member: Member,
}

fn terms() -> LeaseTerms {
    LeaseTerms {
        worker_id: WorkerId::from_name("worker-1".to_owned()),
        duration: HOUR,
    }
}

fn throttled() -> Failure {
    Failure::transient(FailureCode::GRAPH_THROTTLED, "Asked to slow down.").with_hint("Wait.")
}

const PROGRESS: Progress = Progress::InventorySync(InventoryProgress {
    phase: ProgressPhase::Collecting,
    completed: 1,
    failed: 0,
    skipped: 0,
    total: 2,
    items_seen: 3,
});

const COUNTS: RunCounts = RunCounts::InventorySync(InventoryCounts {
    types_succeeded: 1,
    types_failed: 2,
    types_skipped: 3,
    types_incomplete: 4,
    items_seen: 5,
    items_created: 6,
    items_changed: 7,
    items_reassigned: 8,
    items_missing: 9,
    items_back: 10,
    values_read: 11,
    values_verified: 12,
});

impl Subject<'_> {
    async fn queued(&self) -> RunId {
        let scenario = &self.installation.scenario;
        let (tenant, user) = (self.tenant.id, self.member.id);
        scenario.queued_run(tenant, user, APPS).await
    }

    async fn claim(&self) -> Claim {
        let claim = self.installation.store.claim_next(&terms()).await.unwrap();
        claim.unwrap()
    }

    /// A run that a worker has.
    async fn claimed(&self) -> Claim {
        let run = self.queued().await;
        let claim = self.claim().await;
        assert_eq!(claim.lease.run_id, run, "no other run is due");
        claim
    }

    /// Asks for the run to stop.
    async fn cancel(&self, run: RunId, reason: Option<&str>) {
        let permit = can_cancel_run(&Membership {
            tenant_id: self.tenant.id,
            user_id: self.member.id,
            role: Role::Operator,
        });
        let reason = reason.and_then(|text| CancelReason::parse(text).unwrap());
        let request = RequestId::mint(&SystemClock, &SystemEntropy);
        let origin = Origin::default();
        let store = &self.installation.store;
        let cancelled = store.cancel_run(permit.unwrap(), run, reason.as_ref(), request, &origin);
        cancelled.await.unwrap();
    }

    /// Changes the row of the tenant's active run past the store.
    async fn set(&self, columns: &str) {
        let sql = format!(
            "UPDATE operation_runs SET {columns} \
             WHERE tenant_id = '{}' AND status <> 'completed'",
            self.tenant.id
        );
        self.installation.execute(&sql).await;
    }

    async fn sweep(&self) {
        let store = &self.installation.store;
        store.reclaim_expired(10).await.unwrap();
        store.cancel_overdue(10).await.unwrap();
        store.fail_queue_timeouts(10).await.unwrap();
    }
}

impl Installation {
    async fn subject(&self, number: u128, name: &str) -> Subject<'_> {
        let (tenant, member) = self.tenant(number, name).await;
        Subject {
            installation: self,
            tenant,
            member,
        }
    }
}

/// Takes runs through every transition that there is.
pub(crate) async fn every_transition() -> Installation {
    let installation = Installation::set_up().await;
    let one = &installation;
    ends_by_their_owner(one).await;
    cancellations(one).await;
    attempts(one).await;
    lost_workers(one).await;
    ends_without_a_worker(one).await;
    pauses(one).await;
    installation
}

async fn ends_by_their_owner(installation: &Installation) {
    let store = &installation.store;
    let subject = installation.subject(1, "Ended by its worker").await;
    let claim = subject.claimed().await;
    let joining = Scenario::permit(subject.tenant.id, subject.member.id);
    let joined = store.admit(joining, Scenario::start(APPS)).await.unwrap();
    assert!(matches!(joined, Admission::Joined(_)));
    let renewed = store.heartbeat(&claim.lease, HOUR, Some(&PROGRESS));
    renewed.await.unwrap();
    let completion = Completion {
        outcome: atlas_domain::run::Outcome::PartiallySucceeded,
        counts: COUNTS,
        error: Some(throttled()),
    };
    let progress = Some(&PROGRESS);
    store.finish(claim, &completion, progress).await.unwrap();

    let subject = installation.subject(2, "Ended with others").await;
    let succeeded = FinishRun {
        lease: subject.claimed().await.lease,
        completion: Completion {
            outcome: atlas_domain::run::Outcome::Succeeded,
            counts: COUNTS,
            error: None,
        },
        progress: Some(PROGRESS),
    };
    let subject = installation.subject(3, "Failed with others").await;
    let failed = FinishRun {
        lease: subject.claimed().await.lease,
        completion: Completion::failed(throttled(), RunCounts::none(OperationKind::InventorySync)),
        progress: None,
    };
    let ended = store.finish_free(&[succeeded, failed]).await.unwrap();
    assert!(ended.iter().all(Option::is_some));

    // The run that failed is retried.
    let failed = installation.database.connection().await;
    let sql = "SELECT id::text FROM operation_runs WHERE outcome = 'failed'";
    let failed: String = failed.query_one(sql, &[]).await.unwrap().get(0);
    let again = StartRun {
        retry_of: Some(failed.parse().unwrap()),
        priority: 5,
        ..Scenario::start(APPS)
    };
    let (tenant, user) = (subject.tenant.id, subject.member.id);
    installation.scenario.queued(tenant, user, again).await;
    let claim = subject.claim().await;
    let completion = Completion::of_results(&[]);
    store.finish(claim, &completion, None).await.unwrap();
}

async fn cancellations(installation: &Installation) {
    let store = &installation.store;
    let subject = installation.subject(10, "Cancelled while queued").await;
    let run = subject.queued().await;
    subject.cancel(run, Some("Wrong tenant.")).await;
    subject.cancel(run, Some("Again.")).await;

    let subject = installation.subject(11, "Cancelled while running").await;
    let claim = subject.claimed().await;
    subject.cancel(claim.lease.run_id, None).await;
    subject.cancel(claim.lease.run_id, Some("Again.")).await;
    let completion = Completion::cancelled(COUNTS);
    store.finish(claim, &completion, None).await.unwrap();

    let subject = installation
        .subject(12, "Done before it was cancelled")
        .await;
    let claim = subject.claimed().await;
    subject.cancel(claim.lease.run_id, None).await;
    let completion = Completion::of_results(&[]);
    store.finish(claim, &completion, None).await.unwrap();

    let subject = installation.subject(13, "Cancelled by its deadline").await;
    let claim = subject.claimed().await;
    subject.cancel(claim.lease.run_id, None).await;
    let past = "cancel_deadline_at = cancel_requested_at - interval '10 s'";
    subject.set(past).await;
    subject.sweep().await;

    let subject = installation.subject(14, "Failed and was cancelled").await;
    let claim = subject.claimed().await;
    subject.cancel(claim.lease.run_id, None).await;
    store.retry_later(claim, HOUR, &throttled()).await.unwrap();

    let subject = installation.subject(15, "Given back and cancelled").await;
    let claim = subject.claimed().await;
    subject.cancel(claim.lease.run_id, None).await;
    store.hand_back(claim).await.unwrap();
}

async fn attempts(installation: &Installation) {
    let store = &installation.store;
    let subject = installation.subject(20, "Waits to be tried again").await;
    let claim = subject.claimed().await;
    store.retry_later(claim, HOUR, &throttled()).await.unwrap();

    let subject = installation.subject(21, "Failed too often").await;
    let mut claim = subject.claimed().await;
    for _ in 0..4 {
        let failure = throttled();
        store.retry_later(claim, HOUR, &failure).await.unwrap();
        subject.set("not_before = created_at").await;
        claim = subject.claim().await;
    }
    store.retry_later(claim, HOUR, &throttled()).await.unwrap();

    let subject = installation.subject(22, "Given back and done").await;
    let claim = subject.claimed().await;
    store.hand_back(claim).await.unwrap();
    let claim = subject.claim().await;
    let completion = Completion::of_results(&[]);
    store.finish(claim, &completion, None).await.unwrap();
}

async fn lost_workers(installation: &Installation) {
    let expired = "lease_expires_at = clock_timestamp() - interval '1 s'";
    let subject = installation.subject(30, "Its worker was lost").await;
    let _ = subject.claimed().await;
    subject.set(expired).await;
    subject.sweep().await;
    subject
        .set("not_before = clock_timestamp() + interval '1 h'")
        .await;

    let subject = installation
        .subject(31, "Its workers were lost too often")
        .await;
    let _ = subject.claimed().await;
    for _ in 0..4 {
        subject.set(expired).await;
        subject.sweep().await;
        subject.set("not_before = created_at").await;
        let _ = subject.claim().await;
    }
    subject.set(expired).await;
    subject.sweep().await;

    let subject = installation
        .subject(32, "Its worker was lost, and it was cancelled")
        .await;
    let claim = subject.claimed().await;
    subject.cancel(claim.lease.run_id, None).await;
    subject.set(expired).await;
    subject.sweep().await;
}

async fn ends_without_a_worker(installation: &Installation) {
    let store = &installation.store;
    let subject = installation
        .subject(40, "Could not be handed to the workers")
        .await;
    let run = subject.queued().await;
    let kind = OperationKind::InventorySync;
    store.fail_dispatch(run, kind).await.unwrap();

    let subject = installation
        .subject(41, "Taken although it could not be handed over")
        .await;
    let claim = subject.claimed().await;
    let taken = store.fail_dispatch(claim.lease.run_id, kind).await;
    taken.unwrap();

    let subject = installation.subject(42, "Waited too long").await;
    subject.queued().await;
    subject
        .set("expires_at = created_at - interval '10 s'")
        .await;
    subject.sweep().await;
}

async fn pauses(installation: &Installation) {
    let store = &installation.store;
    let inventory = OperationKind::InventorySync;
    let groups = OperationKind::DirectoryGroupsSync;
    assert!(
        store
            .pause(inventory, "sam", Some("upgrade"))
            .await
            .unwrap()
    );
    assert!(!store.pause(inventory, "kim", None).await.unwrap());
    let subject = installation.subject(50, "Paused").await;
    subject.queued().await;
    let claimed = store.claim_next(&terms()).await.unwrap();
    assert!(claimed.is_none(), "claims of the kind are paused");
    assert!(store.pause(groups, "sam", None).await.unwrap());
    assert!(store.resume(groups, "kim").await.unwrap());
    let other = Scenario::start_of(RunInputs::DirectoryGroupsSync);
    let (tenant, user) = (subject.tenant.id, subject.member.id);
    let run = installation.scenario.queued(tenant, user, other).await;
    assert_eq!(subject.claim().await.lease.run_id, run);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_transition_of_runs_leaves_these_rows() {
    let installation = every_transition().await;
    hold("tables/lifecycle.json", &installation.dump().await);
}
