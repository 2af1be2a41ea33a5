//! What a member may do with a run now, so that no screen has to guess.

use super::state::{OperationRun, RunState};
use crate::access::Role;
use crate::words::words;

words! {
    /// Something that can be done with a run. An open list in the API.
    pub enum RunAction: "action" {
        /// Ask for it to stop.
        Cancel = "cancel",
        /// Ask for the same work again, as a new run.
        Retry = "retry",
    }
}

impl<I> OperationRun<I> {
    /// What a member with this role may do with the run as it is. A run that was asked to stop is
    /// not offered to be cancelled again, although asking again does no harm.
    #[must_use]
    pub fn actions(&self, role: Role) -> Vec<RunAction> {
        match self.state {
            RunState::Queued { .. } | RunState::Running { .. }
                if role.may_cancel() && self.cancel.is_none() =>
            {
                vec![RunAction::Cancel]
            }
            RunState::Completed { .. } if role.may_sync() => vec![RunAction::Retry],
            _ => Vec::new(),
        }
    }
}
