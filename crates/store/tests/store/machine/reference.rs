//! Runs as the pages say they behave, without a database: small enough to be seen to be right.

use std::collections::BTreeMap;

use atlas_domain::run::{Outcome, Status, Transition};
use atlas_store::TypeEffect;

use super::steps::Step;

/// Tenants.
pub(crate) const TENANTS: usize = 2;
/// Selections, each an identity of its own.
pub(crate) const SELECTIONS: [&str; 3] = [
    "{}",
    r#"{"policy_types":["mobileApp"]}"#,
    r#"{"policy_types":["policySet"]}"#,
];
/// Failures that end a run.
pub(crate) const MAX_FAILURES: i32 = 3;

/// A run's row, its events and its notifications.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) tenant: usize,
    pub(crate) selection: usize,
    pub(crate) priority: i16,
    pub(crate) status: Status,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) attempt: i32,
    pub(crate) failures: i32,
    pub(crate) lease: Option<usize>,
    pub(crate) cancel_requested: bool,
    pub(crate) backoff: bool,
    pub(crate) wait_reason: Option<&'static str>,
    pub(crate) error: Option<&'static str>,
    pub(crate) events: Vec<String>,
    pub(crate) lease_ran_out: bool,
    pub(crate) cancel_deadline_passed: bool,
    pub(crate) queue_limit_passed: bool,
}

/// A lease that was once given. It may be somebody's who does not know that it is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    pub(crate) run: usize,
    pub(crate) attempt: i32,
    pub(crate) fence: i64,
}

/// An object in the inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) content: u8,
    pub(crate) fence: i64,
    pub(crate) run: usize,
    pub(crate) missing: bool,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reference {
    pub(crate) runs: Vec<Run>,
    pub(crate) leases: Vec<Lease>,
    /// Per tenant: the fence, and the lease whose token stands beside it.
    pub(crate) fences: [(i64, Option<usize>); TENANTS],
    /// Per tenant: when it was served last, in numbers of leases.
    served: [Option<usize>; TENANTS],
    pub(crate) items: BTreeMap<(usize, usize), Item>,
}

/// The one that `back` means among `count`.
fn back_from(count: usize, back: usize) -> Option<usize> {
    count.checked_sub(1).map(|last| last - back % count)
}

impl Reference {
    pub(crate) fn run_at(&self, back: usize) -> Option<usize> {
        back_from(self.runs.len(), back)
    }

    pub(crate) fn lease_at(&self, back: usize) -> Option<usize> {
        back_from(self.leases.len(), back)
    }

    /// Whether the run is still its holder's. Every exit from running ends its lease.
    pub(crate) fn holds(&self, lease: usize) -> bool {
        self.runs[self.leases[lease].run].lease == Some(lease)
    }

    /// Whether the run is running under another lease than this one, whose holder may not know it.
    pub(crate) fn replaced(&self, lease: usize) -> bool {
        let now = self.runs[self.leases[lease].run].lease;
        now.is_some_and(|now| now != lease)
    }

    /// The run that a start joins.
    pub(crate) fn active(&self, tenant: usize, selection: usize) -> Option<usize> {
        self.runs.iter().position(|run| {
            run.tenant == tenant && run.selection == selection && run.status != Status::Completed
        })
    }

    /// The run that a free slot takes.
    pub(crate) fn due(&self) -> Option<usize> {
        let busy = |tenant| {
            self.runs
                .iter()
                .any(|run| run.tenant == tenant && run.status == Status::Running)
        };
        let claimable = |run: &Run| {
            run.status == Transition::Claim.source() && !run.backoff && !busy(run.tenant)
        };
        (0..self.runs.len())
            .filter(|&run| claimable(&self.runs[run]))
            .min_by_key(|&run| {
                let row = &self.runs[run];
                (-row.priority, self.served[row.tenant], run)
            })
    }

    /// The run of the tenant that the end of another names as the next.
    pub(crate) fn waiting(&self, tenant: usize) -> Option<usize> {
        (0..self.runs.len())
            .filter(|&run| {
                let row = &self.runs[run];
                row.tenant == tenant && row.status == Status::Queued && !row.backoff
            })
            .min_by_key(|&run| (-self.runs[run].priority, run))
    }

    /// What storing this object does.
    pub(crate) fn effect(&self, tenant: usize, object: usize, content: u8) -> TypeEffect {
        let item = self.items.get(&(tenant, object));
        TypeEffect {
            seen: 1,
            created: item.is_none().into(),
            changed: item.is_some_and(|item| item.content != content).into(),
            reassigned: 0,
            back: item.is_some_and(|item| item.missing).into(),
        }
    }

    /// The tenant's objects that a complete list under this lease did not hold.
    pub(crate) fn unseen(&self, lease: usize) -> Vec<(usize, usize)> {
        let lease = self.leases[lease];
        let tenant = self.runs[lease.run].tenant;
        self.items
            .iter()
            .filter(|((owner, _), item)| {
                *owner == tenant && item.fence < lease.fence && !item.missing
            })
            .map(|(key, _)| *key)
            .collect()
    }

    /// The runs that a sweep finds.
    pub(crate) fn swept(&self, step: &Step) -> Vec<usize> {
        let found = |run: &Run| match step {
            Step::ReclaimSweep => run.status == Status::Running && run.lease_ran_out,
            Step::CancelSweep => run.status == Status::Running && run.cancel_deadline_passed,
            Step::QueueLimitSweep => run.status == Status::Queued && run.queue_limit_passed,
            _ => false,
        };
        (0..self.runs.len())
            .filter(|&run| found(&self.runs[run]))
            .collect()
    }

    fn event(&mut self, run: usize, event: &str) {
        let row = &mut self.runs[run];
        let cancelled = row.outcome == Some(Outcome::Cancelled);
        let event = if cancelled { "cancelled" } else { event };
        row.events.push(format!("{event} {}", row.attempt));
    }

    /// Leaves `running` or `queued`, for good.
    fn complete(&mut self, run: usize, outcome: Outcome, error: Option<&'static str>, event: &str) {
        self.release(run);
        let row = &mut self.runs[run];
        row.status = Status::Completed;
        row.outcome = Some(outcome);
        row.error = error;
        self.event(run, event);
    }

    /// The lease is over, and so is its fence.
    fn release(&mut self, run: usize) {
        let row = &mut self.runs[run];
        if row.status == Status::Running {
            let (fence, token) = &mut self.fences[row.tenant];
            *fence += 1;
            *token = None;
            row.lease = None;
        }
    }

    /// Leaves `running` to be tried again; a request to cancel or the last failure ends it instead.
    fn put_back(
        &mut self,
        run: usize,
        failures: i32,
        error: Option<&'static str>,
        event: &str,
        reason: &'static str,
    ) {
        let row = &mut self.runs[run];
        row.failures += failures;
        if row.cancel_requested {
            self.complete(run, Outcome::Cancelled, None, event);
        } else if failures > 0 && row.failures >= MAX_FAILURES {
            self.complete(run, Outcome::Failed, error, event);
        } else {
            self.release(run);
            let row = &mut self.runs[run];
            row.status = Status::Queued;
            row.wait_reason = Some(reason);
            row.error = error;
            self.event(run, event);
        }
    }

    pub(super) fn start(&mut self, tenant: usize, selection: usize, priority: i16) {
        if let Some(active) = self.active(tenant, selection) {
            let run = &mut self.runs[active];
            if run.status == Status::Queued {
                run.priority = run.priority.max(priority);
            }
            return;
        }
        self.runs.push(Run {
            tenant,
            selection,
            priority,
            status: Status::Queued,
            outcome: None,
            attempt: 0,
            failures: 0,
            lease: None,
            cancel_requested: false,
            backoff: false,
            wait_reason: None,
            error: None,
            events: vec!["queued 0".to_owned()],
            lease_ran_out: false,
            cancel_deadline_passed: false,
            queue_limit_passed: false,
        });
    }

    pub(super) fn claim(&mut self) {
        let Some(run) = self.due() else { return };
        let lease = self.leases.len();
        let row = &mut self.runs[run];
        row.status = Status::Running;
        row.attempt += 1;
        row.lease = Some(lease);
        row.error = None;
        row.wait_reason = None;
        row.lease_ran_out = false;
        let fence = &mut self.fences[row.tenant];
        *fence = (fence.0 + 1, Some(lease));
        self.served[row.tenant] = Some(lease);
        self.leases.push(Lease {
            run,
            attempt: row.attempt,
            fence: fence.0,
        });
        self.event(run, "claimed");
    }

    fn store(&mut self, lease: usize, object: usize, content: u8) {
        let Lease { run, fence, .. } = self.leases[lease];
        let item = Item {
            content,
            fence,
            run,
            missing: false,
        };
        self.items.insert((self.runs[run].tenant, object), item);
    }

    fn cancel(&mut self, run: usize) {
        let row = &mut self.runs[run];
        match row.status {
            Status::Queued => {
                row.cancel_requested = true;
                self.complete(run, Outcome::Cancelled, None, "cancelled");
            }
            Status::Running if !row.cancel_requested => {
                row.cancel_requested = true;
                self.event(run, "cancel_requested");
            }
            Status::Running | Status::Completed => {}
        }
    }

    fn finish(&mut self, run: usize) {
        let outcome = if self.runs[run].cancel_requested {
            Outcome::Cancelled
        } else {
            Outcome::Succeeded
        };
        self.complete(run, outcome, None, "finished");
    }

    pub(super) fn sweep(&mut self, step: &Step) {
        for run in self.swept(step) {
            match step {
                Step::ReclaimSweep => {
                    self.put_back(run, 1, Some("worker_lost"), "lease_lost", "worker_lost");
                }
                Step::CancelSweep => self.complete(run, Outcome::Cancelled, None, "cancelled"),
                _ => self.complete(run, Outcome::Failed, Some("queue_timeout"), "queue_timeout"),
            }
        }
    }

    /// What the holder of a lease does. Without the lease, nothing.
    pub(super) fn act(&mut self, lease: usize, step: &Step) {
        if !self.holds(lease) {
            return;
        }
        let run = self.leases[lease].run;
        match *step {
            Step::Heartbeat(_) => self.runs[run].lease_ran_out = false,
            Step::StorePage {
                object, content, ..
            } => self.store(lease, object, content),
            Step::MarkMissing(_) => {
                for key in self.unseen(lease) {
                    if let Some(item) = self.items.get_mut(&key) {
                        item.missing = true;
                    }
                }
            }
            Step::Finish(_) => self.finish(run),
            Step::RetryLater { delayed, .. } => {
                self.put_back(run, 1, Some("graph_unreachable"), "retried", "backoff");
                self.runs[run].backoff = delayed;
            }
            Step::HandBack(_) => self.put_back(run, 0, None, "handed_back", "handed_back"),
            _ => {}
        }
    }

    /// What somebody or the time does to a run, whoever has it.
    pub(super) fn befall(&mut self, run: usize, step: &Step) {
        let row = &mut self.runs[run];
        match step {
            Step::FailDispatch(_) if row.status == Status::Queued && row.attempt == 0 => {
                let code = "dispatch_failed";
                self.complete(run, Outcome::Failed, Some(code), code);
            }
            Step::Cancel(_) => self.cancel(run),
            Step::LeaseRunsOut(_) => row.lease_ran_out = row.status == Status::Running,
            Step::CancelDeadlinePasses(_) => {
                row.cancel_deadline_passed = row.status == Status::Running && row.cancel_requested;
            }
            Step::QueueLimitPasses(_) => row.queue_limit_passed |= row.status == Status::Queued,
            Step::BackoffPasses(_) => row.backoff &= row.status != Status::Queued,
            _ => {}
        }
    }
}
