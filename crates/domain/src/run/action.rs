//! What a member may do with a run now, so that no screen has to guess.

use super::kind::{OperationKind, RunCounts};
use super::outcome::Outcome;
use super::retry::RetryScope;
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

    /// How much of the run of this kind such a member may ask for again. Nothing is left of a run that
    /// read all that it was asked for, and a kind without parts is asked for as a whole.
    #[must_use]
    pub fn retry_scopes(&self, kind: OperationKind, role: Role) -> Vec<RetryScope> {
        let RunState::Completed {
            outcome, counts, ..
        } = &self.state
        else {
            return Vec::new();
        };
        let something_failed = match counts {
            RunCounts::InventorySync(counts) => {
                *outcome != Outcome::Succeeded || counts.types_failed + counts.types_incomplete > 0
            }
            RunCounts::DirectoryGroupsSync(_) => false,
        };
        match (role.may_sync(), something_failed) {
            (false, _) => Vec::new(),
            (true, true) if kind == OperationKind::InventorySync => {
                vec![RetryScope::All, RetryScope::FailedOnly]
            }
            (true, _) => vec![RetryScope::All],
        }
    }
}
