//! What holds in every state, and what happens in some, so that the first is not true of nothing.

use atlas_domain::run::{Outcome, Status};
use stateright::{Model, Property};

use crate::action::Action;
use crate::protocol::Protocol;
use crate::state::{Caller, PAGES, Run, Slot, State};

pub(crate) const NO_STRAY_WRITE: &str = "a page is stored only under the run's current lease";
pub(crate) const ONCE: &str = "a page is stored at most once by an attempt";
pub(crate) const ONE_RUNNING: &str = "one run of the tenant is running";
pub(crate) const FINAL: &str = "a completed run never changes";
pub(crate) const SUCCESS_IS_COMPLETE: &str = "a run that succeeded has stored every page";
pub(crate) const ONE_NOTICE: &str = "the end is notified exactly once";
pub(crate) const REFUSED_IS_UNTOUCHED: &str = "a start that was refused never began";
pub(crate) const LEASE_WHEN_RUNNING: &str = "a lease exactly while running";
pub(crate) const CANCELLED_AS_ASKED: &str = "a run that was asked to stop ends as cancelled";
pub(crate) const ALL_END: &str = "where nothing more happens every run has ended";

pub(crate) fn all() -> Vec<Property<Protocol>> {
    vec![
        Property::always(NO_STRAY_WRITE, |_, state: &State| !state.stray_write),
        Property::always(ONCE, |_, state: &State| {
            state.rows().all(|run| run.pages <= PAGES)
        }),
        Property::always(ONE_RUNNING, |_, state: &State| {
            let running = |run: &&Run| run.status == Status::Running;
            state.rows().filter(running).count() <= 1
        }),
        Property::always(FINAL, |_, state: &State| !state.changed_after_end),
        Property::always(SUCCESS_IS_COMPLETE, |_, state: &State| {
            state
                .rows()
                .all(|run| run.outcome != Some(Outcome::Succeeded) || run.pages == PAGES)
        }),
        Property::always(ONE_NOTICE, |_, state: &State| {
            state
                .rows()
                .all(|run| run.terminal_notices == u8::from(run.status == Status::Completed))
        }),
        Property::always(REFUSED_IS_UNTOUCHED, refused_is_untouched),
        Property::always(LEASE_WHEN_RUNNING, |_, state: &State| {
            state
                .rows()
                .all(|run| (run.status == Status::Running) == run.lease.is_some())
        }),
        Property::always(CANCELLED_AS_ASKED, |_, state: &State| {
            state.rows().all(|run| {
                let ended = run.status == Status::Completed;
                !(run.cancel_requested && ended) || run.outcome == Some(Outcome::Cancelled)
            })
        }),
        Property::always(ALL_END, all_end),
        Property::sometimes("both runs succeed", |_, state: &State| {
            let succeeded = |run: &Run| run.outcome == Some(Outcome::Succeeded);
            state.rows().filter(|run| succeeded(run)).count() == 2
        }),
        Property::sometimes("a start is refused", |_, state: &State| {
            state.callers.contains(&Caller::Refused)
        }),
        Property::sometimes(
            "a worker has a run whose push seemed to fail",
            |_, state: &State| {
                state.callers[0] == Caller::NotRung && state.row(0).status == Status::Running
            },
        ),
        Property::sometimes("two claims race for the tenant", |_, state: &State| {
            state
                .workers
                .iter()
                .all(|worker| matches!(worker.slot, Slot::Claiming(_)))
        }),
        Property::sometimes(
            "a page of a lost lease is on its way",
            |_, state: &State| {
                state.workers.iter().any(|worker| {
                    worker
                        .wire
                        .is_some_and(|page| state.row(page.run).lease != Some(page.lease))
                })
            },
        ),
        Property::sometimes(
            "two workers believe that a run is theirs",
            |_, state: &State| {
                state
                    .workers
                    .iter()
                    .all(|worker| matches!(worker.slot, Slot::Working(work) if work.run == 0))
            },
        ),
        Property::sometimes("a run ends as cancelled", |_, state: &State| {
            state
                .rows()
                .any(|run| run.outcome == Some(Outcome::Cancelled))
        }),
    ]
}

fn refused_is_untouched(_: &Protocol, state: &State) -> bool {
    state
        .callers
        .iter()
        .zip(&state.runs)
        .filter(|(caller, _)| **caller == Caller::Refused)
        .all(|(_, run)| {
            run.as_ref()
                .is_some_and(|run| run.outcome == Some(Outcome::Failed) && !run.begun)
        })
}

/// The queue limit is no way out here: a run that is left waiting until it passes was forgotten.
/// Neither is a person who cancels it.
fn all_end(protocol: &Protocol, state: &State) -> bool {
    if state.rows().all(|run| run.status == Status::Completed) {
        return true;
    }
    let mut actions = Vec::new();
    protocol.actions(state, &mut actions);
    actions.iter().any(|action| {
        !matches!(
            action,
            Action::QueueTimeout(_) | Action::Cancel(_) | Action::WorkerDies(_)
        )
    })
}
