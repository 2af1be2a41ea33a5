//! Operation runs: PostgreSQL is the queue, the lock and the truth.
//!
//! | module | subject |
//! | --- | --- |
//! | `admit` | recording a run or joining the active one; a run that could not be put into Redis |
//! | `cancel` | stopping a run on request |
//! | `claim` | taking a due run, renewing its lease |
//! | `end` | finishing, retrying, handing back: what consumes a claim |
//! | `sweep` | what nobody else ends |
//! | `read` | what screens see |
//!
//! Lock order everywhere: the run's row, then its tenant's fence row.

mod admit;
mod cancel;
mod claim;
mod end;
mod read;
mod row;

pub(crate) use row::to_json;
mod sweep;

pub use admit::{Admission, AdmitError, DispatchFailure, StartRun};
pub use cancel::{CancelError, Cancellation};
pub use claim::Heartbeat;
pub use end::{Ended, Requeued, Unfinished};
pub use read::{RunFilter, SeenRun};
pub use sweep::SweepCount;
