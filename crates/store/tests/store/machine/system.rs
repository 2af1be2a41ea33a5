//! The store under test: does each step with the real statements and holds the answer against what
//! the reference says.

use std::collections::BTreeMap;
use std::time::Duration;

use atlas_domain::access::cancellation::{CancelPermit, can_cancel_run};
use atlas_domain::access::{Membership, Role};
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::{RequestId, RunId, UserId};
use atlas_domain::inventory::{JsonText, Observation};
use atlas_domain::policy_types::registry;
use atlas_domain::run::lease::LeaseTerms;
use atlas_domain::run::{Claim, Completion, OperationKind, Outcome, Status};
use atlas_store::{
    Admission, CancelError, Cancellation, DispatchFailure, Exit, FoundRun, Heartbeat, Origin,
    PageStored, Store, SweepCount, WriteError,
};
use atlas_test_support::{Scenario, TestDatabase, TestTenant};
use serde_json::json;
use tokio_postgres::Client;

use super::reference::{MAX_FAILURES, Reference, SELECTIONS};
use super::rows::{Rows, broken_rules};
use super::steps::Step;
use crate::terms;

/// The policy type whose list is read.
const POLICY_TYPE: &str = "mobileApp";
/// Far longer than a case takes: leases run out when a step says so.
const LEASE: Duration = Duration::from_secs(600);
/// More than there are runs in a case.
const ALL: u32 = 100;

/// A database with two tenants and their operators. Cases use it one after another.
pub(crate) struct Installation {
    store: Store,
    client: Client,
    tenants: [(TestTenant, UserId); 2],
    _database: TestDatabase,
}

impl Installation {
    pub(crate) async fn build() -> Self {
        let database = TestDatabase::create().await;
        let store = database.store();
        let scenario = Scenario::new(&store);
        let mut tenants = Vec::new();
        for name in ["Contoso", "Fabrikam"] {
            let tenant = scenario.tenant(name).await;
            let operator = scenario.member(tenant.id, Role::Operator).await;
            tenants.push((tenant, operator.id));
        }
        let client = database.connection().await;
        let limit =
            format!("ALTER TABLE operation_runs ALTER max_failures SET DEFAULT {MAX_FAILURES}");
        client.batch_execute(&limit).await.unwrap();
        Self {
            store,
            client,
            tenants: tenants.try_into().unwrap(),
            _database: database,
        }
    }

    /// An empty installation for the next case.
    pub(crate) async fn clear(&self) -> System<'_> {
        let clear = "DELETE FROM operation_runs; DELETE FROM tenant_fences; \
                     DELETE FROM inventory_items; DELETE FROM inventory_changes; \
                     DELETE FROM inventory_type_summaries";
        self.client.batch_execute(clear).await.unwrap();
        System {
            installation: self,
            runs: Vec::new(),
            claims: Vec::new(),
        }
    }
}

/// One case: the names that the database gave to what the reference counts.
pub(crate) struct System<'a> {
    installation: &'a Installation,
    runs: Vec<RunId>,
    claims: Vec<Claim>,
}

impl System<'_> {
    /// Does the step, and compares the answer and then all rows.
    pub(crate) async fn step(&mut self, before: &Reference, step: &Step, after: &Reference) {
        match *step {
            Step::Start {
                tenant,
                selection,
                priority,
            } => self.start(before, tenant, selection, priority).await,
            Step::Claim => self.claim(before, after).await,
            Step::ReclaimSweep | Step::CancelSweep | Step::QueueLimitSweep => {
                self.sweep(before, step, after).await;
            }
            Step::Heartbeat(_)
            | Step::StorePage { .. }
            | Step::MarkMissing(_)
            | Step::Finish(_)
            | Step::RetryLater { .. }
            | Step::HandBack(_) => {
                if let Some(lease) = step.lease(before) {
                    self.act(before, lease, step, after).await;
                }
            }
            Step::FailDispatch(back) => {
                if let Some(run) = before.run_at(back) {
                    self.fail_dispatch(before, run).await;
                }
            }
            Step::Cancel(back) => {
                if let Some(run) = before.run_at(back) {
                    self.cancel(before, run).await;
                }
            }
            Step::LeaseRunsOut(back)
            | Step::CancelDeadlinePasses(back)
            | Step::QueueLimitPasses(back)
            | Step::BackoffPasses(back) => {
                if let Some(run) = before.run_at(back) {
                    self.pass_time(run, step).await;
                }
            }
        }
        self.compare(after).await;
    }

    async fn compare(&self, reference: &Reference) {
        let tenants = self
            .installation
            .tenants
            .map(|(tenant, _)| tenant.id.to_string());
        let tokens: Vec<_> = self.claims.iter().map(|claim| claim.lease.token).collect();
        let expected = Rows::expected(reference, &tenants, &self.runs, &tokens);
        assert_eq!(Rows::read(&self.installation.client).await, expected);
        assert_eq!(broken_rules(&self.installation.client).await, []);
    }

    async fn start(&mut self, before: &Reference, tenant: usize, selection: usize, priority: i16) {
        let (owner, operator) = self.installation.tenants[tenant];
        let mut start = Scenario::start(SELECTIONS[selection]);
        start.priority = priority;
        let proposed = start.run_id;
        let permit = Scenario::permit(owner.id, operator);
        let admission = self.installation.store.admit(permit, start).await.unwrap();
        match (admission, before.active(tenant, selection)) {
            (Admission::Joined(run), Some(active)) => assert_eq!(run.id, self.runs[active]),
            (Admission::Created(run), None) => {
                assert_eq!(run.id, proposed);
                self.runs.push(run.id);
            }
            (admission, active) => panic!("{admission:?}, and active was {active:?}"),
        }
    }

    async fn claim(&mut self, before: &Reference, after: &Reference) {
        let terms = LeaseTerms {
            duration: LEASE,
            ..terms("w")
        };
        let claim = self.installation.store.claim_next(&terms).await.unwrap();
        let taken = claim.as_ref().map(|claim| claim.lease.run_id);
        assert_eq!(taken, before.due().map(|run| self.runs[run]));
        if let (Some(claim), Some(lease)) = (claim, after.leases.last()) {
            let given = (claim.lease.attempt, claim.lease.fence, claim.failures);
            let failures = before.runs[lease.run].failures;
            assert_eq!(given, (lease.attempt, lease.fence, failures));
            self.claims.push(claim);
        }
    }

    /// The claim once more, as a worker has it that does not know that it is over.
    fn remembered(&self, lease: usize) -> Claim {
        let claim = &self.claims[lease];
        Claim {
            lease: claim.lease.clone(),
            inputs: claim.inputs.clone(),
            initiator_id: claim.initiator_id,
            directory_id: claim.directory_id,
            failures: claim.failures,
            max_failures: claim.max_failures,
        }
    }

    async fn act(&self, before: &Reference, lease: usize, step: &Step, after: &Reference) {
        let run = before.leases[lease].run;
        let held = before.holds(lease);
        let store = &self.installation.store;
        let claim = self.remembered(lease);
        match *step {
            Step::Heartbeat(_) => {
                let cancel_requested = before.runs[run].cancel_requested;
                let answer = store.heartbeat(&claim.lease, LEASE, None).await.unwrap();
                let expected = if held {
                    Heartbeat::Renewed { cancel_requested }
                } else {
                    let found = found(before, run);
                    Heartbeat::Lost { found }
                };
                assert_eq!(answer, expected);
            }
            Step::StorePage {
                object, content, ..
            } => {
                let page = [observation(object, content)];
                let effect = before.effect(before.runs[run].tenant, object, content);
                let key = registry().find(POLICY_TYPE).unwrap();
                match store.store_page(&claim.lease, &page).await {
                    Ok(stored) => {
                        let expected = PageStored {
                            effect: BTreeMap::from([(key, effect)]),
                            refused: Vec::new(),
                        };
                        assert_eq!((stored, held), (expected, true));
                    }
                    Err(WriteError::Lost) => assert!(!held),
                    Err(WriteError::Store(error)) => panic!("{error}"),
                }
            }
            Step::MarkMissing(_) => {
                let keys = [registry().find(POLICY_TYPE).unwrap()];
                let unseen = before.unseen(lease).len() as u64;
                match store.mark_missing(&claim.lease, &keys).await {
                    Ok(marked) => assert_eq!((marked.values().sum(), held), (unseen, true)),
                    Err(WriteError::Lost) => assert!(!held),
                    Err(WriteError::Store(error)) => panic!("{error}"),
                }
            }
            Step::Finish(_) => {
                let completion = Completion::of_results(&[]);
                let next = before.waiting(before.runs[run].tenant);
                let next = next.map(|next| self.runs[next]);
                let expected = if held {
                    let outcome = after.runs[run].outcome.unwrap();
                    Exit::Completed { outcome, next }
                } else {
                    let found = found(before, run);
                    Exit::Lost { found }
                };
                let ended = store.finish(claim, &completion, None).await.unwrap();
                assert_eq!(ended, expected);
            }
            Step::RetryLater { delayed, .. } => {
                let delay = if delayed { LEASE } else { Duration::ZERO };
                let failure = Failure::transient(FailureCode::GRAPH_UNREACHABLE, "No answer.");
                let requeued = store.retry_later(claim, delay, &failure).await.unwrap();
                assert_eq!(requeued, requeue(held, after, run));
            }
            _ => {
                let requeued = store.hand_back(claim).await.unwrap();
                assert_eq!(requeued, requeue(held, after, run));
            }
        }
    }

    async fn fail_dispatch(&self, before: &Reference, run: usize) {
        let row = &before.runs[run];
        let untouched = row.status == Status::Queued && row.attempt == 0;
        match self
            .installation
            .store
            .fail_dispatch(self.runs[run], OperationKind::InventorySync)
            .await
            .unwrap()
        {
            DispatchFailure::Failed(failed) => {
                assert_eq!((failed.id, untouched), (self.runs[run], true));
            }
            DispatchFailure::Taken(taken) => {
                assert_eq!((taken.id, untouched), (self.runs[run], false));
            }
        }
    }

    async fn cancel(&self, before: &Reference, run: usize) {
        let row = &before.runs[run];
        let permit = self.cancel_permit(row.tenant);
        let request = RequestId::mint(&SystemClock, &SystemEntropy);
        let answer = self
            .installation
            .store
            .cancel_run(permit, self.runs[run], None, request, &Origin::default())
            .await;
        let cancelled = row.outcome == Some(Outcome::Cancelled) || row.status == Status::Queued;
        match answer {
            Ok(Cancellation::Cancelled(_)) => assert!(cancelled),
            Ok(Cancellation::Requested(_)) => assert_eq!(row.status, Status::Running),
            Err(CancelError::AlreadyTerminal(_)) => {
                assert!(row.status == Status::Completed && !cancelled);
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn cancel_permit(&self, tenant: usize) -> CancelPermit {
        let (owner, operator) = self.installation.tenants[tenant];
        can_cancel_run(&Membership {
            tenant_id: owner.id,
            user_id: operator,
            role: Role::Operator,
        })
        .unwrap()
    }

    async fn sweep(&self, before: &Reference, step: &Step, after: &Reference) {
        let store = &self.installation.store;
        let count = match step {
            Step::ReclaimSweep => store.reclaim_expired(ALL).await,
            Step::CancelSweep => store.cancel_overdue(ALL).await,
            _ => store.fail_queue_timeouts(ALL).await,
        };
        let mut expected = SweepCount::default();
        for run in before.swept(step) {
            match after.runs[run].status {
                Status::Completed => expected.completed += 1,
                Status::Queued | Status::Running => expected.requeued += 1,
            }
        }
        assert_eq!(count.unwrap(), expected);
    }

    /// What only the clock does.
    async fn pass_time(&self, run: usize, step: &Step) {
        let (column, when) = match step {
            Step::LeaseRunsOut(_) => ("lease_expires_at", "status = 'running'"),
            Step::CancelDeadlinePasses(_) => (
                "cancel_deadline_at",
                "status = 'running' AND cancel_requested_at IS NOT NULL",
            ),
            Step::QueueLimitPasses(_) => ("expires_at", "status = 'queued'"),
            _ => (
                "not_before",
                "status = 'queued' AND not_before > clock_timestamp()",
            ),
        };
        let id = self.runs[run];
        let past = format!(
            "UPDATE operation_runs SET {column} = clock_timestamp() - interval '1 s' \
             WHERE id = '{id}' AND {when}"
        );
        self.installation.client.batch_execute(&past).await.unwrap();
    }
}

/// Where whoever lost a run should hear that it is.
fn found(reference: &Reference, run: usize) -> FoundRun {
    let row = &reference.runs[run];
    let attempt = row.attempt;
    match (row.status, row.outcome) {
        (Status::Queued, _) => FoundRun::Queued { attempt },
        (Status::Running, _) => FoundRun::Running { attempt },
        (Status::Completed, outcome) => FoundRun::Completed {
            outcome: outcome.unwrap(),
        },
    }
}

/// What giving a run back should answer.
fn requeue(held: bool, after: &Reference, run: usize) -> Exit {
    match (held, after.runs[run].outcome) {
        (false, _) => Exit::Lost {
            found: found(after, run),
        },
        (true, None) => Exit::Queued,
        (true, Some(outcome)) => Exit::Completed {
            outcome,
            next: None,
        },
    }
}

fn observation(object: usize, content: u8) -> Observation {
    Observation {
        policy_type: registry().find(POLICY_TYPE).unwrap(),
        external_id: object.to_string(),
        name: format!("Policy {object}"),
        platform: "windows".to_owned(),
        scope_tags: Some(Vec::new()),
        assignment_count: None,
        metadata: JsonText::of(&json!({})),
        content_hash: [content; 32],
        former_content_hash: None,
        former_assignments_hash: None,
        assignments_hash: None,
        content: JsonText::of(&json!({"/content": content})),
        assignments: None,
        values: None,
        values_mark: None,
        links: Vec::new(),
    }
}
