//! What became of a run that its owner ended or returned to the queue.

use atlas_domain::ids::RunId;
use atlas_domain::run::{Claim, Outcome};

use super::found::FoundRun;
use crate::error::StoreError;

/// The state of a run after its owner let go of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It is queued again.
    Queued,
    /// It has ended.
    Completed {
        /// How: other than its owner asked when somebody had cancelled the run, or when it had
        /// failed too often.
        outcome: Outcome,
        /// A run of the same tenant that waited for this one and can be claimed now. Looked for only
        /// when the owner ended the run.
        next: Option<RunId>,
    },
    /// It was not the caller's any more; nothing was written.
    Lost {
        /// Where it is.
        found: FoundRun,
    },
}

/// The database did not answer; whether it changed the run is not known. Trying again is safe.
#[derive(Debug)]
pub struct ExitError {
    /// The claim, to try again with.
    pub claim: Claim,
    /// Why.
    pub source: StoreError,
}
