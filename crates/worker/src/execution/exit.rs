//! Letting go of a run in the database, however long that is away, and recording what became of it.

use std::pin::pin;
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::run::{Claim, OperationKind, Outcome};
use atlas_store::{Exit, ExitError, FinishRun, FoundRun, Store};
use atlas_telemetry::metrics::{LEASES_LOST, RUNS_ENDED, WRITES_REFUSED};

use super::lease_keeper::LeaseKeeper;

/// The pause between attempts to end a run while the database does not answer.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Ends those runs whose rows nobody locks.
pub(super) async fn finish_free(store: Store, runs: Vec<FinishRun>) -> Vec<Option<Exit>> {
    match store.finish_free(&runs).await {
        Ok(exits) => exits,
        Err(error) => {
            tracing::debug!(error = %Causes(&error), runs = runs.len(), "runs are ended one by one");
            vec![None; runs.len()]
        }
    }
}

/// Repeats a statement that lets go of the run until the database answers. `None` when the lease was
/// lost before, or when the statement failed for good.
pub(super) async fn exit_with_retries<T, F: Future<Output = Result<T, ExitError>>>(
    claim: Claim,
    keeper: &mut LeaseKeeper,
    step: impl FnMut(Claim) -> F,
) -> Option<T> {
    exit_until(keeper.lost(), claim, step).await
}

/// The same until something else happens.
pub(super) async fn exit_until<T, F: Future<Output = Result<T, ExitError>>>(
    given_up: impl Future<Output = ()>,
    mut claim: Claim,
    mut step: impl FnMut(Claim) -> F,
) -> Option<T> {
    let mut given_up = pin!(given_up);
    loop {
        match step(claim).await {
            Ok(done) => return Some(done),
            Err(failed) if failed.source.is_transient() => {
                tracing::warn!(error = %Causes(&failed.source), "the run could not be ended yet");
                claim = failed.claim;
            }
            Err(failed) => {
                tracing::error!(error = %Causes(&failed.source), "the run could not be ended");
                return None;
            }
        }
        tokio::select! {
            () = &mut given_up => return None,
            () = tokio::time::sleep(RETRY_PAUSE) => {}
        }
    }
}

/// Counts what became of the run, and passes it on; `None` when the lease was lost before the
/// database answered.
pub(super) fn record(exit: Option<Exit>, kind: OperationKind) -> Option<Exit> {
    match exit {
        Some(Exit::Queued) => {}
        Some(Exit::Completed { outcome, .. }) => {
            RUNS_ENDED.add(&[kind.as_str(), outcome.as_str()], 1);
        }
        Some(Exit::Lost { found }) => {
            write_refused();
            lost(Some(found));
        }
        None => lost(None),
    }
    exit
}

/// Records what became of a run that its owner returned to the queue.
pub(super) fn is_queued(exit: Option<Exit>, kind: OperationKind) -> bool {
    match record(exit, kind) {
        Some(Exit::Queued) => return true,
        Some(Exit::Completed {
            outcome: Outcome::Cancelled,
            ..
        }) => tracing::info!("run ended as cancelled"),
        Some(Exit::Completed { .. }) => {
            tracing::warn!("run failed once too often and has ended");
        }
        Some(Exit::Lost { .. }) | None => {}
    }
    false
}

/// The fence refused a write.
pub(super) fn write_refused() {
    WRITES_REFUSED.add(&[], 1);
}

/// The run is another worker's by now, or has ended: this one is done with it.
pub(super) fn lost(found: Option<FoundRun>) {
    LEASES_LOST.add(&[], 1);
    let found = found.map(tracing::field::display);
    tracing::warn!(
        found,
        "the run has another owner or has ended; nothing more is written"
    );
}
