//! The installation as a whole, for its operators.

use atlas_domain::ids::WorkerId;
use atlas_domain::run::OperationKind;
use atlas_store::{QueueStats, WorkerView};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::example::{Example, moment};

/// Numbers of runs per kind.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueList {
    /// One entry per kind of run.
    #[schema(max_items = 100)]
    items: Vec<Queue>,
}

/// Numbers of runs of one kind. A queued run is due when it waits only for a free slot: its start time has
/// passed, its tenant is not busy and its kind is not paused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Queue {
    /// The kind of run. New kinds may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: String,
    /// Number of queued runs.
    #[schema(minimum = 0)]
    queued: i64,
    /// Number of queued runs that are due.
    #[schema(minimum = 0)]
    due: i64,
    /// Seconds for which the oldest due run has been due; 0 if no run is due.
    #[schema(minimum = 0)]
    oldest_due_seconds: i64,
    /// Number of runs that have been due for more than two minutes. If it is not 0, there are too few
    /// workers.
    #[schema(minimum = 0)]
    overdue: i64,
    /// Number of running runs.
    #[schema(minimum = 0)]
    running: i64,
    /// Number of running runs whose lease expired more than thirty seconds ago. If it is not 0, no worker
    /// sweeps.
    #[schema(minimum = 0)]
    lease_expired: i64,
    /// Runs that ended within the last hour.
    ended_last_hour: EndedLastHour,
    /// Present while the kind is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pause: Option<Pause>,
}

/// Runs that ended within the last hour, by outcome.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndedLastHour {
    /// Number of runs that succeeded.
    #[schema(minimum = 0)]
    succeeded: i64,
    /// Number of runs that partially succeeded.
    #[schema(minimum = 0)]
    partially_succeeded: i64,
    /// Number of runs that failed.
    #[schema(minimum = 0)]
    failed: i64,
    /// Number of runs that were cancelled.
    #[schema(minimum = 0)]
    cancelled: i64,
}

/// A pause of a kind of runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pause {
    /// When the pause began.
    since: DateTime<Utc>,
    /// User name on the machine from which the kind was paused.
    #[schema(max_length = 128)]
    by: String,
    /// The reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// The worker processes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkerList {
    /// The workers, newest first.
    #[schema(max_items = 1000)]
    items: Vec<Worker>,
}

/// A worker process.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Worker {
    /// Its identifier, which is never reused.
    #[schema(max_length = 256)]
    id: String,
    /// Version of the program.
    #[schema(max_length = 64)]
    version: String,
    /// Name of the machine or container.
    #[schema(max_length = 256)]
    host: String,
    /// Its state.
    state: WorkerState,
    /// Number of runs that it can execute at once.
    #[schema(minimum = 1)]
    slots: i32,
    /// Number of runs that it executes now.
    #[schema(minimum = 0)]
    running: i64,
    /// When it first reported.
    started_at: DateTime<Utc>,
    /// When it last reported.
    heartbeat_at: DateTime<Utc>,
}

/// The state of a worker.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorkerState {
    /// Takes up runs.
    Working,
    /// Finishes its runs and then stops.
    Draining,
    /// Has not reported for a minute.
    Silent,
}

impl QueueList {
    /// The numbers as they are shown.
    pub(crate) fn new(all: Vec<QueueStats>) -> Self {
        Self {
            items: all.into_iter().map(Queue::from).collect(),
        }
    }
}

impl From<QueueStats> for Queue {
    fn from(stats: QueueStats) -> Self {
        let ended = stats.ended_last_hour;
        Self {
            kind: stats.kind,
            queued: stats.queued,
            due: stats.due,
            oldest_due_seconds: stats.oldest_due_seconds,
            overdue: stats.overdue,
            running: stats.running,
            lease_expired: stats.lease_expired,
            ended_last_hour: EndedLastHour {
                succeeded: ended.succeeded,
                partially_succeeded: ended.partially_succeeded,
                failed: ended.failed,
                cancelled: ended.cancelled,
            },
            pause: stats.pause.map(|pause| Pause {
                since: pause.since,
                by: pause.by,
                reason: pause.reason,
            }),
        }
    }
}

impl WorkerList {
    /// The workers as they are shown.
    pub(crate) fn new(all: Vec<WorkerView>) -> Self {
        Self {
            items: all.into_iter().map(Worker::from).collect(),
        }
    }
}

impl From<WorkerView> for Worker {
    fn from(worker: WorkerView) -> Self {
        Self {
            id: worker.id.to_string(),
            version: worker.version,
            host: worker.host,
            state: match worker.state {
                atlas_store::WorkerState::Working => WorkerState::Working,
                atlas_store::WorkerState::Draining => WorkerState::Draining,
                atlas_store::WorkerState::Silent => WorkerState::Silent,
            },
            slots: worker.slots,
            running: worker.running,
            started_at: worker.started_at,
            heartbeat_at: worker.heartbeat_at,
        }
    }
}

/// Whether workers take up runs of a kind.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueControl {
    /// The kind of run. New kinds may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: &'static str,
    /// Whether the queue is paused now.
    paused: bool,
    /// Whether the request changed that.
    changed: bool,
}

impl QueueControl {
    pub(crate) fn new(kind: OperationKind, paused: bool, changed: bool) -> Self {
        Self {
            kind: kind.as_str(),
            paused,
            changed,
        }
    }

    /// A queue that was paused.
    pub(crate) fn paused() -> Self {
        Self::new(OperationKind::InventorySync, true, true)
    }

    /// A queue that was resumed.
    pub(crate) fn resumed() -> Self {
        Self::new(OperationKind::InventorySync, false, true)
    }
}

impl Example for QueueList {
    fn example() -> Self {
        Self::new(vec![QueueStats {
            kind: OperationKind::InventorySync.to_string(),
            queued: 12,
            due: 2,
            oldest_due_seconds: 4,
            overdue: 0,
            running: 4,
            lease_expired: 0,
            ended_last_hour: atlas_store::EndedLastHour {
                succeeded: 118,
                partially_succeeded: 3,
                failed: 1,
                cancelled: 0,
            },
            pause: None,
        }])
    }
}

impl Example for WorkerList {
    fn example() -> Self {
        Self::new(vec![WorkerView {
            id: WorkerId::from_name("worker-1-0197c19a3f2e7d10".to_owned()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: "worker-1".to_owned(),
            slots: 4,
            running: 3,
            state: atlas_store::WorkerState::Working,
            started_at: moment() - TimeDelta::hours(30),
            heartbeat_at: moment() - TimeDelta::seconds(2),
        }])
    }
}
