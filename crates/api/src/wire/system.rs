//! The installation as a whole, for its operators.

use atlas_domain::ids::WorkerId;
use atlas_domain::run::OperationKind;
use atlas_store::{QueueStats, WorkerView};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::example::{Example, moment};

/// How the runs of each kind stand.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QueueList {
    /// One entry per kind of run.
    #[schema(max_items = 100)]
    items: Vec<Queue>,
}

/// How the runs of one kind stand. A run is due when it waits for nothing but a free slot: its time
/// has come, its tenant is not busy, and its kind is not paused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Queue {
    /// The kind of run. Clients must accept words that they do not know.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: String,
    /// Queued runs, whatever they wait for.
    #[schema(minimum = 0)]
    queued: i64,
    /// Queued runs that are due.
    #[schema(minimum = 0)]
    due: i64,
    /// For how many seconds the longest waiting due run has been due; 0 when none is.
    #[schema(minimum = 0)]
    oldest_due_seconds: i64,
    /// Due runs that have been due for more than two minutes. More than none means that too few
    /// workers take work.
    #[schema(minimum = 0)]
    overdue: i64,
    /// Running runs.
    #[schema(minimum = 0)]
    running: i64,
    /// Running runs whose lease ran out more than thirty seconds ago. More than none means that no
    /// worker sweeps.
    #[schema(minimum = 0)]
    lease_expired: i64,
    /// Runs that ended within the last hour.
    ended_last_hour: EndedLastHour,
    /// There while runs of this kind are not taken up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pause: Option<Pause>,
}

/// Runs that ended within the last hour, by outcome.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EndedLastHour {
    /// Those that did everything.
    #[schema(minimum = 0)]
    succeeded: i64,
    /// Those of which something failed.
    #[schema(minimum = 0)]
    partially_succeeded: i64,
    /// Those that did nothing, or could not go on.
    #[schema(minimum = 0)]
    failed: i64,
    /// Those that somebody stopped.
    #[schema(minimum = 0)]
    cancelled: i64,
}

/// That runs of a kind are not taken up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pause {
    /// Since when.
    since: DateTime<Utc>,
    /// By whom, as that person is called on the machine where it was asked for.
    #[schema(max_length = 128)]
    by: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// The worker processes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkerList {
    /// Every worker that has not stopped cleanly, the newest first.
    #[schema(max_items = 1000)]
    items: Vec<Worker>,
}

/// A worker process.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Worker {
    /// Its name, which is never used again.
    #[schema(max_length = 256)]
    id: String,
    /// The program's version.
    #[schema(max_length = 64)]
    version: String,
    /// The machine or container.
    #[schema(max_length = 256)]
    host: String,
    /// How it stands.
    state: WorkerState,
    /// How many runs it works on at once.
    #[schema(minimum = 1)]
    slots: i32,
    /// How many runs carry its name now.
    #[schema(minimum = 0)]
    running: i64,
    /// When it reported first.
    started_at: DateTime<Utc>,
    /// When it reported last.
    heartbeat_at: DateTime<Utc>,
}

/// How a worker stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorkerState {
    /// It takes up runs.
    Working,
    /// It ends what it has begun, and stops.
    Draining,
    /// It has not reported for a minute.
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
