//! The OperationRun: one asked-for piece of background work on one tenant.
//!
//! PostgreSQL decides every transition; [`transition`] is the table that its statements are built
//! from, [`state`] is a row in memory, [`identity`] says which two requests are the same, [`lease`]
//! is what a worker holds while it runs, [`cancel`] and [`retry`] are what people do with runs, and
//! [`action`] says which of it is possible.
//!
//! A [`kind`] has inputs, counts and progress of its own; its types are in a file of its own
//! ([`inventory_sync`], [`directory_groups_sync`]). Rows and answers carry the members of
//! [`InventoryCounts`] and [`InventoryProgress`] for every kind.

pub mod action;
pub mod cancel;
pub mod directory_groups_sync;
pub mod identity;
pub mod inventory_sync;
pub mod kind;
pub mod lease;
pub mod outcome;
pub mod phase;
pub mod priority;
pub mod retry;
pub mod state;
pub mod transition;

pub use action::RunAction;
pub use cancel::{CANCEL_GRACE, CancelReason};
pub use directory_groups_sync::{GroupCounts, GroupsProgress};
pub use inventory_sync::{InventoryCounts, InventoryProgress};
pub use kind::{OperationKind, Progress, RunCounts, RunInputs};
pub use lease::{Claim, Lease};
pub use outcome::{Completion, Outcome};
pub use phase::ProgressPhase;
pub use priority::{Priority, RunPriority};
pub use retry::{NothingFailed, RetryScope};
pub use state::{CancelRequest, OperationRun, RunState, WaitReason};
pub use transition::{Status, Transition};
