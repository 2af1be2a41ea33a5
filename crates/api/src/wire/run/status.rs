//! Status and outcome of a run.

use atlas_domain::run as domain;
use serde::Serialize;
use utoipa::ToSchema;

/// The status of a run. No values will be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Waits for a worker.
    Queued,
    /// A worker executes it.
    Running,
    /// Has ended and will not change.
    Completed,
}

/// How a run ended. No values will be added.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// The run succeeded completely.
    Succeeded,
    /// Some parts succeeded and some failed; the results list them.
    PartiallySucceeded,
    /// The run failed.
    Failed,
    /// The run was cancelled.
    Cancelled,
}

impl From<domain::Status> for Status {
    fn from(status: domain::Status) -> Self {
        match status {
            domain::Status::Queued => Self::Queued,
            domain::Status::Running => Self::Running,
            domain::Status::Completed => Self::Completed,
        }
    }
}

impl From<domain::Outcome> for Outcome {
    fn from(outcome: domain::Outcome) -> Self {
        match outcome {
            domain::Outcome::Succeeded => Self::Succeeded,
            domain::Outcome::PartiallySucceeded => Self::PartiallySucceeded,
            domain::Outcome::Failed => Self::Failed,
            domain::Outcome::Cancelled => Self::Cancelled,
        }
    }
}
