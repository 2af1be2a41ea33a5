//! A run as read from its row. Data that only one state has is in that state's variant.

use chrono::{DateTime, Utc};

use super::kind::{Progress, RunCounts, RunInputs};
use super::outcome::Outcome;
use super::priority::RunPriority;
use super::transition::Status;
use crate::failure::Failure;
use crate::ids::{RunId, TenantId, UserId, WorkerId};
use crate::words::words;

/// A run with everything that a screen shows of it. In lists, which do not read what runs were asked
/// with, `I` is [`OperationKind`](super::OperationKind).
#[derive(Debug, Clone, PartialEq)]
pub struct OperationRun<I = RunInputs> {
    pub id: RunId,
    /// The tenant it works on.
    pub tenant_id: TenantId,
    pub tenant_name: String,
    /// What it was asked with.
    pub inputs: I,
    /// Who started it; callers who join later are not recorded here.
    pub initiator_id: UserId,
    pub initiator_name: String,
    /// The run that this one repeats.
    pub retry_of: Option<RunId>,
    /// Whether a schedule started it, on behalf of its initiator.
    pub scheduled: bool,
    /// Whether it goes before others that wait, or after them.
    pub priority: RunPriority,
    /// How often it was claimed.
    pub attempt: i32,
    /// How many of its attempts failed.
    pub failures: i32,
    /// How many failures end it.
    pub max_failures: i32,
    pub created_at: DateTime<Utc>,
    /// When its row last changed.
    pub updated_at: DateTime<Utc>,
    /// When an attempt first began.
    pub started_at: Option<DateTime<Utc>>,
    /// How far it is, as last reported.
    pub progress: Option<Progress>,
    /// The last failure of an attempt, or of the run when it is completed.
    pub error: Option<Failure>,
    /// Who asked for it to stop.
    pub cancel: Option<CancelRequest>,
    /// Its state, with the data of that state.
    pub state: RunState,
}

/// The state of a run and its data.
#[derive(Debug, Clone, PartialEq)]
pub enum RunState {
    /// No worker has it.
    Queued {
        /// It is not started before (backoff, or a time that Graph asked for).
        not_before: DateTime<Utc>,
        /// It ends as failed when it still waits then.
        expires_at: DateTime<Utc>,
        /// Why it waits, when that is known.
        wait: Option<WaitReason>,
    },
    /// A worker has it.
    Running {
        worker_id: WorkerId,
        /// When that worker last renewed its lease.
        heartbeat_at: DateTime<Utc>,
        /// When others may take the run over.
        lease_expires_at: DateTime<Utc>,
    },
    /// It has ended.
    Completed {
        outcome: Outcome,
        completed_at: DateTime<Utc>,
        counts: RunCounts,
    },
}

impl RunState {
    /// The state's name.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::Queued { .. } => Status::Queued,
            Self::Running { .. } => Status::Running,
            Self::Completed { .. } => Status::Completed,
        }
    }

    /// How the run ended, when it has.
    #[must_use]
    pub const fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Completed { outcome, .. } => Some(*outcome),
            Self::Queued { .. } | Self::Running { .. } => None,
        }
    }
}

words! {
    /// Why a queued run waits. An open list in the API.
    pub enum WaitReason: "reason to wait" {
        /// Another run of the same tenant is running.
        TenantBusy = "tenant_busy",
        /// An operator has paused runs of its kind.
        Paused = "paused",
        /// The last attempt failed and the next is due later.
        Backoff = "backoff",
        /// A worker was shut down and gave the run back.
        HandedBack = "handed_back",
        /// The worker that had the run was lost.
        WorkerLost = "worker_lost",
    }
}

/// A request to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelRequest {
    /// When it was made.
    pub requested_at: DateTime<Utc>,
    /// By whom, with the name; by nobody when the tenant was disabled.
    pub requested_by: Option<(UserId, String)>,
    /// Why, in the requester's words.
    pub reason: Option<String>,
    /// A running run ends as cancelled by then, whatever its worker does.
    pub deadline_at: DateTime<Utc>,
}
