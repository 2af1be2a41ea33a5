//! The installation as a whole: its workers, its queues, and what is old enough to go. Nothing here
//! belongs to one tenant.
//!
//! | module | subject |
//! | --- | --- |
//! | `workers` | which worker processes there are, as they report themselves |
//! | `examination` | what connection, server and rights are like |
//! | `freshness` | how long ago tenants were synced, and when their credentials end, as numbers |
//! | `queues` | how much work waits, and pausing a kind of it |
//! | `retention` | deleting what is older than configured |

mod examination;
mod freshness;
#[cfg(test)]
mod plans;
mod queues;
mod retention;
mod workers;

pub(crate) use retention::DELETION_IS_RETENTION;

pub use examination::{Examination, MissingRight};
pub use freshness::{CertificateFile, SecretEnd, SyncAge};
pub use queues::{EndedLastHour, Pause, QueueOperator, QueueStats};
pub use retention::{PRUNE_BATCH, Pruned, Retention};
pub use workers::{WorkerReport, WorkerState, WorkerView};

#[cfg(test)]
pub(crate) fn statements() -> Vec<crate::statement::Info> {
    [
        examination::STATEMENTS,
        freshness::STATEMENTS,
        queues::STATEMENTS,
        retention::STATEMENTS,
        workers::STATEMENTS,
    ]
    .concat()
}
