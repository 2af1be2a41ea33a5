//! Operation runs: PostgreSQL is the queue, the lock and the truth.
//!
//! | module | subject |
//! | --- | --- |
//! | `active` | runs that are active or have just ended, for screens |
//! | `admit` | recording a run or joining the active one |
//! | `asked` | starts on their way to a statement |
//! | `together` | the same for starts that arrive together |
//! | `fail_dispatch` | a run that could not be put into Redis |
//! | `cancel` | stopping a run on request |
//! | `claim` | taking a due run, renewing its lease |
//! | `exit` | what became of a run that its owner let go of |
//! | `finish` | ending a run as its owner, or many in the same moment |
//! | `found` | the state of a run that a transition could not leave |
//! | `progress` | the progress of running runs, for streams |
//! | `requeue` | returning a claimed run to the queue: retry and hand-back |
//! | `start_key` | keys by which a repeated start is recognised |
//! | `sweep` | ending or requeueing runs whose worker, deadline or queue limit has passed |
//! | `sweep_plan` | what a sweep has to do |
//! | `view` | rows of runs for screens |
//! | `disabled` | runs of tenants that are disabled |
//! | `read` | one run for screens |
//! | `list` | lists of runs for screens |
//! | `counted` | how many runs such a list has |
//!
//! Lock order everywhere: the run's row, then its tenant's fence row. A statement for several starts
//! locks runs in the order of tenant, kind and identity.

mod active;
mod admit;
pub(crate) mod asked;
mod cancel;
mod claim;
mod counted;
mod disabled;
mod exit;
mod fail_dispatch;
mod finish;
mod found;
mod list;
mod progress;
mod read;
mod requeue;
mod row;
mod start_key;
mod sweep;
mod sweep_plan;
mod together;
mod view;

pub(crate) use admit::TENANT_NAME;
pub(crate) use claim::milliseconds;
pub(crate) use row::to_json;

pub use active::ActiveRuns;
pub use admit::{Admission, AdmitError, StartRun};
pub use cancel::{CancelError, Cancellation};
pub use claim::Heartbeat;
pub use counted::CountedRuns;
pub use exit::{Exit, ExitError};
pub use fail_dispatch::DispatchFailure;
pub use finish::FinishRun;
pub use found::FoundRun;
pub use list::RunFilter;
pub use progress::RunningProgress;
pub use start_key::{StartKey, UsedKey};
pub use sweep::SweepCount;
pub use sweep_plan::{SweepPlan, SweepSteps};
pub use view::RunView;

#[cfg(test)]
pub(crate) fn statements() -> Vec<crate::statement::Info> {
    [
        admit::STATEMENTS,
        cancel::STATEMENTS,
        claim::STATEMENTS,
        disabled::STATEMENTS,
        fail_dispatch::STATEMENTS,
        finish::STATEMENTS,
        found::STATEMENTS,
        read::STATEMENTS,
        requeue::STATEMENTS,
        start_key::STATEMENTS,
        sweep::STATEMENTS,
        sweep_plan::STATEMENTS,
        together::STATEMENTS,
    ]
    .concat()
}
