//! A worker tells the database that it is there, so that operators can see it.

use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_store::{Store, StoreError, WorkerReport};
use tokio_util::sync::CancellationToken;

/// How long the worker tries to say that it is gone. Whoever stops it must not wait for a database
/// that does not answer; the row is then deleted by retention.
const FAREWELL: Duration = Duration::from_secs(2);

/// Reports at every interval; says that it is draining from `draining` on, and that it is gone at
/// `gone`.
pub async fn run(
    store: Store,
    mut report: WorkerReport,
    interval: Duration,
    draining: CancellationToken,
    gone: CancellationToken,
) {
    loop {
        report.draining = draining.is_cancelled();
        tokio::select! {
            told = store.report_worker(&report) => log(told),
            () = gone.cancelled() => break,
        }
        tokio::select! {
            () = draining.cancelled(), if !report.draining => {}
            () = gone.cancelled() => break,
            () = tokio::time::sleep(interval) => {}
        }
    }
    if let Ok(told) = tokio::time::timeout(FAREWELL, store.forget_worker(&report.id)).await {
        log(told);
    }
}

fn log(told: Result<(), StoreError>) {
    if let Err(error) = told {
        tracing::warn!(error = %Causes(&error), "this worker could not report itself");
    }
}
