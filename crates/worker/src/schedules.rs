//! Schedules whose time has come: each starts a run on behalf of who set it, skips the time, or stops.
//! Every worker does this; a due time is seen to by one of them, in one statement.

use atlas_domain::causes::Causes;
use atlas_domain::schedule::{DueSchedule, Firing};
use atlas_store::{Fired, Store, StoreError};
use atlas_telemetry::metrics::SCHEDULES_DUE;

/// Schedules that are looked for at once.
const BATCH: u32 = 100;
/// Batches of one sweep; the next one follows soon.
const BATCHES: usize = 20;

/// Sees to the due times that have come. What cannot be done for one tenant does not hold up the others,
/// unless the database does not answer.
pub(crate) async fn fire_due(store: &Store) -> Result<(), StoreError> {
    for _ in 0..BATCHES {
        let due = store.due_schedules(BATCH).await?;
        let is_full = due.len() >= BATCH as usize;
        let mut any = false;
        for due in due {
            match due {
                Ok(due) => any |= fire_or_log(store, &due).await?,
                Err(error) => {
                    tracing::error!(error = %Causes(&error), "a schedule cannot be read");
                }
            }
        }
        if !is_full || !any {
            break;
        }
    }
    Ok(())
}

async fn fire_or_log(store: &Store, due: &DueSchedule) -> Result<bool, StoreError> {
    match fire(store, due).await {
        Err(error @ StoreError::Unavailable(_)) => Err(error),
        Err(error) => {
            tracing::error!(error = %Causes(&error), tenant_id = %due.tenant_id, "a schedule did not fire");
            Ok(false)
        }
        Ok(result) => {
            if let Some(result) = result {
                SCHEDULES_DUE.add(&[result], 1);
            }
            Ok(result.is_some())
        }
    }
}

/// What became of the due time; `None` when somebody else saw to it.
async fn fire(store: &Store, due: &DueSchedule) -> Result<Option<&'static str>, StoreError> {
    let tenant_id = due.tenant_id;
    let late = (due.now - due.latest_due()).num_seconds();
    match due.firing() {
        Firing::Start(permit) => {
            let fired = store.fire_schedule(permit, due).await?;
            Ok(fired.map(|fired| {
                let (run_id, result) = match fired {
                    Fired::Created(run) => (run, "created"),
                    Fired::Joined(run) => (run, "joined"),
                };
                tracing::info!(%tenant_id, %run_id, late, result, "a schedule fired");
                result
            }))
        }
        Firing::Skip(reason) => {
            let skipped = store.skip_schedule(due, reason).await?;
            Ok(skipped.then(|| {
                tracing::warn!(%tenant_id, %reason, late, "a schedule skipped a time");
                "skipped"
            }))
        }
        Firing::Stop(reason) => {
            let stopped = store.stop_schedule(due, reason).await?;
            Ok(stopped.then(|| {
                tracing::warn!(%tenant_id, %reason, "a schedule stopped");
                "stopped"
            }))
        }
    }
}
