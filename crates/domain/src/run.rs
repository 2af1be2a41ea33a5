//! The OperationRun: one asked-for piece of background work on one tenant.
//!
//! PostgreSQL decides every transition; [`transition`] is the table that its statements are built
//! from, [`state`] is what a row looks like in memory, [`identity`] says which two requests are the
//! same, [`lease`] is what a worker holds while it runs.

pub mod identity;
pub mod inputs;
pub mod lease;
pub mod outcome;
pub mod state;
pub mod transition;

pub use inputs::{OperationKind, RunInputs};
pub use lease::{Claim, Lease};
pub use outcome::{Completion, Outcome, Progress, ProgressPhase, RunCounts};
pub use state::{CancelRequest, OperationRun, RunState, WaitReason};
pub use transition::{Status, Transition};
