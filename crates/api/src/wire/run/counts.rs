//! Numbers of runs.

use atlas_domain::run as domain;
use atlas_store::CountedRuns;
use serde::Serialize;
use utoipa::ToSchema;

use crate::example::Example;

/// Numbers of runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperationRunCounts {
    /// Number of runs, up to 10,000.
    #[schema(minimum = 0, maximum = 10_000)]
    total: i64,
    /// Whether there may be more: the counts are then those of the newest runs.
    capped: bool,
    /// By status.
    by_status: RunsByStatus,
    /// By outcome, of runs that are completed.
    by_outcome: RunsByOutcome,
}

/// Numbers of runs by status.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunsByStatus {
    /// Number of runs that wait for a worker.
    #[schema(minimum = 0, maximum = 10_000)]
    queued: i64,
    /// Number of runs that a worker executes.
    #[schema(minimum = 0, maximum = 10_000)]
    running: i64,
    /// Number of runs that have ended.
    #[schema(minimum = 0, maximum = 10_000)]
    completed: i64,
}

/// Numbers of runs by outcome.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunsByOutcome {
    /// Number of runs that succeeded.
    #[schema(minimum = 0, maximum = 10_000)]
    succeeded: i64,
    /// Number of runs that partially succeeded.
    #[schema(minimum = 0, maximum = 10_000)]
    partially_succeeded: i64,
    /// Number of runs that failed.
    #[schema(minimum = 0, maximum = 10_000)]
    failed: i64,
    /// Number of runs that were cancelled.
    #[schema(minimum = 0, maximum = 10_000)]
    cancelled: i64,
}

impl OperationRunCounts {
    /// Of runs that were counted up to `cap`.
    pub(crate) fn new(counted: &CountedRuns, cap: i64) -> Self {
        let status = |status| counted.with_status(status);
        let outcome = |outcome| counted.with_outcome(outcome);
        let total = counted.total();
        Self {
            total,
            capped: total >= cap,
            by_status: RunsByStatus {
                queued: status(domain::Status::Queued),
                running: status(domain::Status::Running),
                completed: status(domain::Status::Completed),
            },
            by_outcome: RunsByOutcome {
                succeeded: outcome(domain::Outcome::Succeeded),
                partially_succeeded: outcome(domain::Outcome::PartiallySucceeded),
                failed: outcome(domain::Outcome::Failed),
                cancelled: outcome(domain::Outcome::Cancelled),
            },
        }
    }
}

impl Example for OperationRunCounts {
    fn example() -> Self {
        Self {
            total: 128,
            capped: false,
            by_status: RunsByStatus {
                queued: 2,
                running: 4,
                completed: 122,
            },
            by_outcome: RunsByOutcome {
                succeeded: 118,
                partially_succeeded: 3,
                failed: 1,
                cancelled: 0,
            },
        }
    }
}
