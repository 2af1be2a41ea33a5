//! What there is at one moment: rows, the tenant's fence, messages, callers and workers.

use atlas_domain::run::{Outcome, Status, Transition};

/// Runs of the tenant, with different selections.
pub(crate) const RUNS: usize = 2;
/// Slots, each in a process of its own.
pub(crate) const WORKERS: usize = 2;
/// Pages that a run reads and stores.
pub(crate) const PAGES: u8 = 1;
/// Failures that end a run.
pub(crate) const MAX_FAILURES: u8 = 2;
/// What a claim gives, named by the fence that it raised: every claim raises it, so that no two
/// claims share one. Stands for the fence and for the token.
pub(crate) type Lease = u8;

/// A row of `operation_runs`, as far as the protocol looks at it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Run {
    pub(crate) status: Status,
    pub(crate) outcome: Option<Outcome>,
    /// Whether `attempt` is above zero.
    pub(crate) begun: bool,
    pub(crate) failures: u8,
    pub(crate) lease: Option<Lease>,
    pub(crate) cancel_requested: bool,
    /// Pages stored under the lease of the last claim.
    pub(crate) pages: u8,
    /// Notifications of its end.
    pub(crate) terminal_notices: u8,
}

impl Run {
    pub(crate) fn recorded() -> Self {
        Self {
            status: Status::Queued,
            outcome: None,
            begun: false,
            failures: 0,
            lease: None,
            cancel_requested: false,
            pages: 0,
            terminal_notices: 0,
        }
    }

    /// The compare of a compare-and-set: the same table that the statements' `WHERE` is built from.
    pub(crate) fn permits(&self, transition: Transition) -> bool {
        self.status == transition.source()
    }

    /// The end, with the notification that its statement writes. What nobody looks at after the
    /// end is forgotten: fewer states differ.
    pub(crate) fn complete(&mut self, outcome: Outcome) {
        self.status = Status::Completed;
        self.outcome = Some(outcome);
        self.lease = None;
        self.terminal_notices += 1;
        self.failures = 0;
        if outcome != Outcome::Succeeded {
            self.pages = 0;
        }
    }
}

/// Whoever asked for a run, through the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    /// Has not asked yet: there is no row.
    Outside,
    /// The row is committed, the message is not pushed.
    Committed,
    /// The push failed, as far as the API knows.
    NotRung,
    /// 503: the run ended as failed.
    Refused,
    /// 202, or no answer because the API died: either way nobody acts for the run any more.
    Gone,
}

/// Work under a lease, as the worker remembers it; the row may say otherwise by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Work {
    pub(crate) run: usize,
    pub(crate) lease: Lease,
    /// Pages of which the database said that they are stored.
    pub(crate) stored: u8,
    /// A heartbeat said that somebody wants the run to stop.
    pub(crate) asked_to_stop: bool,
}

/// Where a slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Slot {
    /// Waits for a message or a sweep.
    Free,
    /// Its claim has locked this run's row and seen nobody running; it has not committed.
    Claiming(usize),
    /// Works, or believes so.
    Working(Work),
    /// Its process is dead.
    Dead,
}

/// A page on its way to the database. It may arrive long after its sender stopped or died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PageWrite {
    pub(crate) run: usize,
    pub(crate) lease: Lease,
}

/// A slot and what it has on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Worker {
    pub(crate) slot: Slot,
    pub(crate) wire: Option<PageWrite>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) runs: [Option<Run>; RUNS],
    pub(crate) callers: [Caller; RUNS],
    /// `tenant_fences.fence`.
    pub(crate) fence: u8,
    /// `tenant_fences.token`: none after an exit from running.
    pub(crate) token: Option<Lease>,
    /// Whether Redis has a message. What it says does not matter, the database decides which run is
    /// taken; so two are one that is repeated.
    pub(crate) message: bool,
    pub(crate) workers: [Worker; WORKERS],
    /// Faults that may still happen.
    pub(crate) faults_left: u8,
    /// A page was stored for a run that was not running under that lease. Never undone.
    pub(crate) stray_write: bool,
    /// A completed run's row was changed. Never undone.
    pub(crate) changed_after_end: bool,
}

impl State {
    pub(crate) fn initial(faults: u8) -> Self {
        Self {
            runs: [const { None }; RUNS],
            callers: [Caller::Outside; RUNS],
            fence: 0,
            token: None,
            message: false,
            workers: [Worker {
                slot: Slot::Free,
                wire: None,
            }; WORKERS],
            faults_left: faults,
            stray_write: false,
            changed_after_end: false,
        }
    }

    /// The rows that there are.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().flatten()
    }

    /// A row that is there: every action on it is offered only then.
    pub(crate) fn row(&self, run: usize) -> &Run {
        self.runs[run].as_ref().expect("the run is recorded")
    }

    pub(crate) fn row_mut(&mut self, run: usize) -> &mut Run {
        self.runs[run].as_mut().expect("the run is recorded")
    }

    /// Whether a claim that is under way holds the row's lock. Whoever skips locked rows leaves it,
    /// everybody else waits.
    pub(crate) fn locked(&self, run: usize) -> bool {
        self.workers
            .iter()
            .any(|worker| worker.slot == Slot::Claiming(run))
    }

    pub(crate) fn somebody_runs(&self) -> bool {
        self.rows().any(|run| run.status == Status::Running)
    }

    /// A worker that is still alive when this one dies.
    pub(crate) fn another_lives(&self, worker: usize) -> bool {
        self.workers
            .iter()
            .enumerate()
            .any(|(other, state)| other != worker && state.slot != Slot::Dead)
    }

    /// The one state that stands for all that differ only in which of two equal workers is where,
    /// and in how far the fence has come: leases are only ever compared for being the same.
    pub(crate) fn normalized(mut self) -> Self {
        let mut known: Vec<Lease> = self.leases().map(|lease| *lease).collect();
        known.sort_unstable();
        known.dedup();
        for lease in self.leases() {
            let rank = known.partition_point(|other| *other < *lease);
            *lease = Lease::try_from(rank).expect("there are few leases");
        }
        self.workers.sort_unstable();
        self
    }

    /// The fence and everything that is compared with it.
    fn leases(&mut self) -> impl Iterator<Item = &mut Lease> {
        let rows = self.runs.iter_mut().flatten();
        let workers = self.workers.iter_mut().flat_map(|worker| {
            let remembered = match &mut worker.slot {
                Slot::Working(work) => Some(&mut work.lease),
                Slot::Free | Slot::Claiming(_) | Slot::Dead => None,
            };
            let sent = worker.wire.as_mut().map(|page| &mut page.lease);
            remembered.into_iter().chain(sent)
        });
        rows.filter_map(|run| run.lease.as_mut())
            .chain(self.token.as_mut())
            .chain(workers)
            .chain(std::iter::once(&mut self.fence))
    }
}
