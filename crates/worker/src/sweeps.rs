//! What every worker does at intervals, without being asked and without input. Each step may run in
//! any number of processes at once, and doing it twice changes nothing.

use std::sync::Arc;
use std::time::Duration;

use atlas_domain::clock::Entropy;
use atlas_store::{SchemaState, Store, StoreError, SweepCount};
use atlas_telemetry::crash_point;
use tokio_util::sync::CancellationToken;

use crate::dispatcher::Dispatcher;
use crate::health::HealthReporter;

/// Runs that one sweep ends or takes back at most; the next one comes soon.
const BATCH: u32 = 100;

/// Sweeps until `shutdown`, and reports after each sweep how the worker is.
pub async fn run(
    store: Store,
    dispatcher: Arc<Dispatcher>,
    health: HealthReporter,
    interval: Duration,
    entropy: Arc<dyn Entropy>,
    shutdown: CancellationToken,
) {
    loop {
        match sweep(&store, &dispatcher).await {
            Ok(()) => health.ready(),
            Err(Unfit::Schema(state)) => {
                tracing::error!(%state, "not ready");
                health.not_ready(&state.to_string());
            }
            Err(Unfit::Database(error)) => {
                tracing::warn!(%error, "a sweep failed");
                health.not_ready("the database does not answer");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(spread(interval, entropy.as_ref())) => {}
        }
    }
}

/// Why a worker is not ready.
enum Unfit {
    Schema(SchemaState),
    Database(StoreError),
}

impl From<StoreError> for Unfit {
    fn from(error: StoreError) -> Self {
        Self::Database(error)
    }
}

async fn sweep(store: &Store, dispatcher: &Arc<Dispatcher>) -> Result<(), Unfit> {
    match store.schema_state().await? {
        SchemaState::Current => {}
        other => return Err(Unfit::Schema(other)),
    }
    let taken_back = store.take_back_expired(BATCH).await?;
    if taken_back.requeued > 0 {
        crash_point!("take_back.mid");
    }
    log("taken back from lost workers", taken_back);
    log(
        "past their cancel deadline",
        store.cancel_overdue(BATCH).await?,
    );
    log(
        "past their queue limit",
        store.fail_queue_timeouts(BATCH).await?,
    );
    dispatcher.look_unasked();
    Ok(())
}

fn log(what: &'static str, count: SweepCount) {
    if count.requeued + count.completed > 0 {
        tracing::warn!(
            requeued = count.requeued,
            completed = count.completed,
            "runs {what}"
        );
    }
}

/// Up to a fifth earlier or later, so that workers started together do not sweep together.
fn spread(interval: Duration, entropy: &dyn Entropy) -> Duration {
    let mut byte = [0];
    entropy.fill(&mut byte);
    interval.mul_f64(0.8 + 0.4 * f64::from(byte[0]) / 255.0)
}
