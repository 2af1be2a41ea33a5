//! Numbers that only the database knows, read at intervals for Prometheus. Every worker reads them;
//! they are the same everywhere.

use std::sync::Arc;
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::clock::Clock;
use atlas_store::{QueueStats, Store};
use atlas_telemetry::metrics::{
    ENDED_LAST_HOUR, LEASES_EXPIRED, OBSERVED_AT, OLDEST_DUE, QUEUE_PAUSED, RUNS, RUNS_DUE,
    RUNS_OVERDUE,
};
use tokio_util::sync::CancellationToken;

/// How often the numbers are read.
const INTERVAL: Duration = Duration::from_secs(15);

/// Reads until `shutdown`. While the database does not answer the numbers stay as they were, and the
/// time at which they were read shows it.
pub async fn run(store: Store, clock: Arc<dyn Clock>, shutdown: CancellationToken) {
    loop {
        match store.queue_stats().await {
            Ok(all) => {
                all.iter().for_each(record);
                OBSERVED_AT.set(&[], clock.now().timestamp());
            }
            Err(error) => {
                tracing::warn!(error = %Causes(&error), "the queue's numbers could not be read");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

fn record(stats: &QueueStats) {
    let kind = stats.kind.as_str();
    RUNS.set(&[kind, "queued"], stats.queued);
    RUNS.set(&[kind, "running"], stats.running);
    RUNS_DUE.set(&[kind], stats.due);
    OLDEST_DUE.set(&[kind], stats.oldest_due_seconds);
    RUNS_OVERDUE.set(&[kind], stats.overdue);
    LEASES_EXPIRED.set(&[kind], stats.lease_expired);
    let ended = stats.ended_last_hour;
    ENDED_LAST_HOUR.set(&[kind, "succeeded"], ended.succeeded);
    ENDED_LAST_HOUR.set(&[kind, "partially_succeeded"], ended.partially_succeeded);
    ENDED_LAST_HOUR.set(&[kind, "failed"], ended.failed);
    ENDED_LAST_HOUR.set(&[kind, "cancelled"], ended.cancelled);
    QUEUE_PAUSED.set(&[kind], i64::from(stats.pause.is_some()));
}
