//! A worker reports itself in the database, so that operators see which workers there are.

use std::pin::pin;
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_store::{Store, StoreError, WorkerReport};
use tokio_util::sync::CancellationToken;

use crate::turns::Turns;

/// How long the worker tries to delete its row at its end. Whoever stops it must not wait for a
/// database that does not answer; the row is then deleted by retention.
const FORGET_TIMEOUT: Duration = Duration::from_secs(2);

/// Reports at every interval: as draining from `draining` on. Deletes the report at `gone`.
pub async fn run(
    store: Store,
    mut report: WorkerReport,
    interval: Duration,
    turns: Turns,
    draining: CancellationToken,
    gone: CancellationToken,
) {
    loop {
        report.draining = draining.is_cancelled();
        let mut reported = pin!(async {
            let _turn = turns.take().await;
            store.report_worker(&report).await
        });
        tokio::select! {
            result = &mut reported => log(result),
            () = gone.cancelled() => {
                // A report that is under way would otherwise be written after the row is deleted.
                let _ = tokio::time::timeout(FORGET_TIMEOUT, reported).await;
                break;
            }
        }
        tokio::select! {
            () = draining.cancelled(), if !report.draining => {}
            () = gone.cancelled() => break,
            () = tokio::time::sleep(interval) => {}
        }
    }
    if let Ok(result) = tokio::time::timeout(FORGET_TIMEOUT, store.forget_worker(&report.id)).await
    {
        log(result);
    }
}

fn log(result: Result<(), StoreError>) {
    if let Err(error) = result {
        tracing::warn!(error = %Causes(&error), "this worker could not report itself");
    }
}
