//! The protocol of operation runs as a model: what anybody may do in a state, and what becomes of
//! it. One action is one transaction of the database, one message, or one fault.

use atlas_domain::run::{Outcome, Status, Transition};
use stateright::{Model, Property};

use crate::action::{Action, Exit, Heard, Push};
use crate::properties;
use crate::state::{
    Caller, Lease, MAX_FAILURES, PAGES, PageWrite, RUNS, Run, Slot, State, WORKERS, Work,
};

/// What holds the rules. The protocol without one of them must break one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Pages are stored only under the tenant's current fence and token.
    FenceOnWrites,
    /// Leaving `running` compares attempt, token and fence, not only the status.
    OwnerEnds,
    /// A failed push ends a run only while it is queued and no attempt has begun.
    DispatchCompareAndSet,
    /// Sweeps reclaim runs of workers that are gone.
    ReclaimSweep,
    /// Sweeps let free slots look for runs that nobody rang for.
    UnaskedLook,
    /// The unique index over running runs of a tenant.
    OneRunningIndex,
    /// Every exit from `running` raises the fence.
    ExitRaisesFence,
    /// A run that was asked to stop ends as cancelled, even when its work was quicker.
    RequestOutlivesWork,
}

/// The protocol, with all of its guards or without one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protocol {
    pub(crate) missing: Option<Guard>,
    /// How many faults may happen on one path. A lease that runs out early, a message that is lost
    /// and a push that fails are none of them: these may happen at any time.
    pub(crate) faults: u8,
}

impl Protocol {
    fn has(&self, guard: Guard) -> bool {
        self.missing != Some(guard)
    }

    fn offer_caller(state: &State, run: usize, actions: &mut Vec<Action>) {
        match state.callers[run] {
            // Which of two equal runs is recorded first makes no difference.
            Caller::Outside => {
                if state.runs[..run].iter().all(Option::is_some) {
                    actions.push(Action::Admit(run));
                }
            }
            Caller::Committed => {
                for push in [Push::Done, Push::Crowded, Push::Failed, Push::TimedOut] {
                    actions.push(Action::Push(run, push));
                }
                actions.push(Action::ApiDies(run));
            }
            Caller::NotRung => {
                if !state.locked(run) {
                    actions.push(Action::FailDispatch(run));
                }
                actions.push(Action::ApiDies(run));
            }
            Caller::Refused | Caller::Gone => {}
        }
    }

    fn offer_worker(&self, state: &State, worker: usize, actions: &mut Vec<Action>) {
        let faults = state.faults_left > 0;
        if state.workers[worker].wire.is_some() {
            actions.push(Action::PageArrives(worker));
        }
        match state.workers[worker].slot {
            Slot::Free => self.offer_due(state, worker, actions),
            Slot::Claiming(_) => actions.push(Action::Claim(worker)),
            Slot::Working(work) => self.offer_work(state, worker, work, actions),
            Slot::Dead => {}
        }
        if faults && state.workers[worker].slot != Slot::Dead && state.another_lives(worker) {
            actions.push(Action::WorkerDies(worker));
        }
    }

    /// The first half of a claim: what its snapshot shows, with the row that it locks. Which of the
    /// due runs goes first is left open. A message that finds nothing due is as good as lost.
    fn offer_due(&self, state: &State, worker: usize, actions: &mut Vec<Action>) {
        for run in 0..RUNS {
            let due = state.runs[run]
                .as_ref()
                .is_some_and(|row| row.permits(Transition::Claim) && !row.cancel_requested);
            if !due || state.somebody_runs() || state.locked(run) {
                continue;
            }
            if self.has(Guard::UnaskedLook) {
                actions.push(Action::LockDue(worker, run, Heard::Nothing));
            }
            if state.message {
                actions.push(Action::LockDue(worker, run, Heard::Message));
            }
            if state.message && state.faults_left > 0 {
                actions.push(Action::LockDue(worker, run, Heard::RepeatedMessage));
            }
        }
    }

    fn offer_work(&self, state: &State, worker: usize, work: Work, actions: &mut Vec<Action>) {
        let faults = state.faults_left > 0;
        let answers = state.workers[worker].wire.is_none();
        let row = state.row(work.run);
        let lost = row.lease != Some(work.lease);
        if lost || (row.cancel_requested && !work.asked_to_stop) {
            actions.push(Action::Heartbeat(worker));
        }
        if work.asked_to_stop {
            actions.push(Action::Leave(worker, Exit::Cancelled));
            return;
        }
        if answers && work.stored < PAGES {
            actions.push(Action::SendPage(worker));
        }
        if answers && work.stored == PAGES {
            actions.push(Action::Leave(worker, Exit::Finish));
            if faults && self.owns(state, &work) {
                actions.push(Action::Leave(worker, Exit::FinishUnanswered));
            }
        }
        if faults {
            actions.push(Action::Leave(worker, Exit::RetryLater));
            actions.push(Action::Leave(worker, Exit::HandBack));
        }
    }

    fn offer_sweeps(&self, state: &State, run: usize, actions: &mut Vec<Action>) {
        let Some(row) = &state.runs[run] else { return };
        let faults = state.faults_left > 0;
        // A lease may run out at any moment, however well its worker is.
        if self.has(Guard::ReclaimSweep) && row.permits(Transition::Reclaim) {
            actions.push(Action::Reclaim(run));
        }
        if row.permits(Transition::CancelOverdue) && row.cancel_requested {
            actions.push(Action::CancelOverdue(run));
        }
        if faults && row.permits(Transition::FailQueueTimeout) && !state.locked(run) {
            actions.push(Action::QueueTimeout(run));
        }
        if faults && row.status != Status::Completed && !row.cancel_requested && !state.locked(run)
        {
            actions.push(Action::Cancel(run));
        }
    }

    /// Whether the statement that leaves `running` finds its row.
    fn owns(&self, state: &State, work: &Work) -> bool {
        let row = state.row(work.run);
        let theirs = row.lease == Some(work.lease) && state.fence == work.lease;
        row.status == Status::Running && (theirs || !self.has(Guard::OwnerEnds))
    }

    /// Part of every statement that leaves `running`.
    fn raise_fence(&self, state: &mut State) {
        if self.has(Guard::ExitRaisesFence) {
            state.fence += 1;
            state.token = None;
        }
    }

    /// Leaves `running` without an end: queued again, or ended by the last failure or by a request
    /// to cancel.
    fn put_back(&self, state: &mut State, run: usize, failures: u8) {
        let row = state.row_mut(run);
        row.failures += failures;
        if row.cancel_requested {
            row.complete(Outcome::Cancelled);
        } else if failures > 0 && row.failures >= MAX_FAILURES {
            row.complete(Outcome::Failed);
        } else {
            row.status = Status::Queued;
            row.lease = None;
        }
        self.raise_fence(state);
    }

    fn claim(&self, state: &mut State, worker: usize, run: usize) {
        if self.has(Guard::OneRunningIndex) && state.somebody_runs() {
            state.workers[worker].slot = Slot::Free;
            return;
        }
        state.fence += 1;
        let lease: Lease = state.fence;
        state.token = Some(lease);
        let row = state.row_mut(run);
        row.status = Transition::Claim.target();
        row.begun = true;
        row.lease = Some(lease);
        row.pages = 0;
        state.workers[worker].slot = Slot::Working(Work {
            run,
            lease,
            stored: 0,
            asked_to_stop: false,
        });
    }

    fn page_arrives(&self, state: &mut State, worker: usize) {
        let Some(PageWrite { run, lease }) = state.workers[worker].wire.take() else {
            return;
        };
        let held = state.fence == lease && state.token == Some(lease);
        let stored = held || !self.has(Guard::FenceOnWrites);
        if stored && state.row(run).lease == Some(lease) {
            state.row_mut(run).pages += 1;
        } else if stored {
            state.stray_write = true;
        }
        let Slot::Working(work) = &mut state.workers[worker].slot else {
            return;
        };
        if work.lease == lease {
            if stored {
                work.stored += 1;
            } else {
                state.workers[worker].slot = Slot::Free;
            }
        }
    }

    fn leave(&self, state: &mut State, worker: usize, exit: Exit) {
        let Slot::Working(work) = state.workers[worker].slot else {
            return;
        };
        if self.owns(state, &work) {
            match exit {
                Exit::Finish | Exit::FinishUnanswered => {
                    self.finish(state, work.run, Outcome::Succeeded);
                }
                Exit::Cancelled => self.finish(state, work.run, Outcome::Cancelled),
                Exit::RetryLater => self.put_back(state, work.run, 1),
                Exit::HandBack => {
                    self.put_back(state, work.run, 0);
                    state.message = true;
                }
            }
        }
        state.workers[worker].slot = match exit {
            Exit::FinishUnanswered => Slot::Working(work),
            Exit::Finish | Exit::Cancelled | Exit::RetryLater | Exit::HandBack => Slot::Free,
        };
    }

    fn finish(&self, state: &mut State, run: usize, outcome: Outcome) {
        let row = state.row_mut(run);
        if row.cancel_requested && self.has(Guard::RequestOutlivesWork) {
            row.complete(Outcome::Cancelled);
        } else {
            row.complete(outcome);
        }
        self.raise_fence(state);
        if state.rows().any(|row| row.status == Status::Queued) {
            state.message = true;
        }
    }

    fn fail_dispatch(&self, state: &mut State, run: usize) {
        let row = state.row_mut(run);
        let unclaimed = row.permits(Transition::FailDispatch) && !row.begun;
        if unclaimed || !self.has(Guard::DispatchCompareAndSet) {
            row.complete(Outcome::Failed);
            state.callers[run] = Caller::Refused;
        } else {
            state.callers[run] = Caller::Gone;
        }
    }

    fn heartbeat(state: &mut State, worker: usize) {
        let Slot::Working(work) = state.workers[worker].slot else {
            return;
        };
        let row = state.row(work.run);
        let renewed = row.permits(Transition::Heartbeat) && row.lease == Some(work.lease);
        let asked_to_stop = row.cancel_requested;
        state.workers[worker].slot = if renewed {
            Slot::Working(Work {
                asked_to_stop,
                ..work
            })
        } else {
            Slot::Free
        };
    }

    fn cancel(state: &mut State, run: usize) {
        let row = state.row_mut(run);
        row.cancel_requested = true;
        if row.permits(Transition::CancelQueued) {
            row.complete(Outcome::Cancelled);
        }
    }

    fn push(state: &mut State, run: usize, push: Push) {
        if matches!(push, Push::Done | Push::TimedOut) {
            state.message = true;
        }
        state.callers[run] = match push {
            Push::Done | Push::Crowded => Caller::Gone,
            Push::Failed | Push::TimedOut => Caller::NotRung,
        };
    }

    fn apply(&self, state: &mut State, action: Action) {
        match action {
            Action::Admit(run) => {
                state.runs[run] = Some(Run::recorded());
                state.callers[run] = Caller::Committed;
            }
            Action::Push(run, how) => Self::push(state, run, how),
            Action::FailDispatch(run) => self.fail_dispatch(state, run),
            Action::ApiDies(run) => state.callers[run] = Caller::Gone,
            Action::RedisLoses => state.message = false,
            Action::LockDue(worker, run, heard) => {
                state.message &= heard != Heard::Message;
                state.workers[worker].slot = Slot::Claiming(run);
            }
            Action::Claim(worker) => {
                if let Slot::Claiming(run) = state.workers[worker].slot {
                    self.claim(state, worker, run);
                }
            }
            Action::SendPage(worker) => {
                if let Slot::Working(Work { run, lease, .. }) = state.workers[worker].slot {
                    state.workers[worker].wire = Some(PageWrite { run, lease });
                }
            }
            Action::PageArrives(worker) => self.page_arrives(state, worker),
            Action::Heartbeat(worker) => Self::heartbeat(state, worker),
            Action::Leave(worker, exit) => self.leave(state, worker, exit),
            Action::WorkerDies(worker) => state.workers[worker].slot = Slot::Dead,
            Action::Reclaim(run) => self.put_back(state, run, 1),
            Action::QueueTimeout(run) => state.row_mut(run).complete(Outcome::Failed),
            Action::Cancel(run) => Self::cancel(state, run),
            Action::CancelOverdue(run) => {
                state.row_mut(run).complete(Outcome::Cancelled);
                self.raise_fence(state);
            }
        }
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::initial(self.faults)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for run in 0..RUNS {
            Self::offer_caller(state, run, actions);
            self.offer_sweeps(state, run, actions);
        }
        for worker in 0..WORKERS {
            self.offer_worker(state, worker, actions);
        }
        if state.message {
            actions.push(Action::RedisLoses);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        self.apply(&mut next, action);
        if action.is_fault() {
            next.faults_left -= 1;
        }
        next.changed_after_end |= last.runs.iter().zip(&next.runs).any(|(before, after)| {
            before
                .as_ref()
                .is_some_and(|run| run.status == Status::Completed)
                && before != after
        });
        Some(next.normalized())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
