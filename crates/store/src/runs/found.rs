//! The state of a run that a transition could not leave.

use std::fmt;

use atlas_domain::ids::RunId;
use atlas_domain::run::Outcome;
use uuid::Uuid;

use crate::error::StoreError;
use crate::pool::Store;
use crate::statement::{row, statement};

/// The state of a run when a transition did not find it in the status, or with the owner, that it
/// requires. It is read after the transition, and may be newer than the reason for which that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundRun {
    /// There is no such run any more.
    Gone,
    /// It waits; this many attempts have begun.
    Queued {
        /// How often it was claimed.
        attempt: i32,
    },
    /// A worker has it, perhaps another one.
    Running {
        /// How often it was claimed.
        attempt: i32,
    },
    /// It has ended.
    Completed { outcome: Outcome },
}

impl fmt::Display for FoundRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("deleted"),
            Self::Queued { attempt } => write!(f, "queued after attempt {attempt}"),
            Self::Running { attempt } => write!(f, "running in attempt {attempt}"),
            Self::Completed { outcome } => write!(f, "completed: {}", outcome.as_str()),
        }
    }
}

statement! {
    struct FindState {
        run: Uuid,
    }
    file: "runs/find_state",
    row: StateRow,
}

row! {
    struct StateRow {
        status: String,
        outcome: Option<String>,
        attempt: i32,
    }
}

impl Store {
    /// The state of the run.
    pub(crate) async fn find_state(&self, run: RunId) -> Result<FoundRun, StoreError> {
        let run = run.into_uuid();
        let Some(row) = self.fetch_optional(&FindState { run }).await? else {
            return Ok(FoundRun::Gone);
        };
        let attempt = row.attempt;
        match row.status.as_str() {
            "queued" => Ok(FoundRun::Queued { attempt }),
            "running" => Ok(FoundRun::Running { attempt }),
            _ => Ok(FoundRun::Completed {
                outcome: super::row::parse_outcome(row.outcome.as_deref())?,
            }),
        }
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] =
    &[<FindState as crate::statement::Statement>::INFO];
