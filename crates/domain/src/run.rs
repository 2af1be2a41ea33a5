//! The OperationRun: one asked-for piece of background work on one tenant.
//!
//! PostgreSQL decides every transition; [`transition`] is the table that its statements are built
//! from, [`state`] is what a row looks like in memory, [`identity`] says which two requests are the
//! same, [`lease`] is what a worker holds while it runs, [`cancel`] and [`retry`] are what people do
//! with runs, and [`action`] says which of it is possible.

pub mod action;
pub mod cancel;
pub mod identity;
pub mod inputs;
pub mod lease;
pub mod outcome;
pub mod retry;
pub mod state;
pub mod transition;

pub use action::RunAction;
pub use cancel::{CANCEL_GRACE, CancelReason};
pub use inputs::{OperationKind, RunInputs};
pub use lease::{Claim, Lease};
pub use outcome::{Completion, Outcome, Progress, ProgressPhase, RunCounts};
pub use retry::{NothingFailed, RetryScope};
pub use state::{CancelRequest, OperationRun, RunState, WaitReason};
pub use transition::{Status, Transition};
