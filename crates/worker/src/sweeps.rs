//! Sweeps: what every worker does at intervals, without input. Each step may run in any number of
//! processes at once, and doing it twice changes nothing.

use std::sync::Arc;
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::clock::Entropy;
use atlas_store::{
    PRUNE_BATCH, Pruned, Retention, SchemaState, Store, StoreError, SweepCount, SweepPlan,
};
use atlas_telemetry::crash_point;
use atlas_telemetry::metrics::{ROWS_PRUNED, RUNS_SWEPT, SWEEPS};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::dispatcher::Dispatcher;
use crate::health::HealthReporter;
use crate::last_reason::LastReason;
use crate::redis_state::RedisState;
use crate::schedules;
use crate::turns::Turns;

/// Runs that one sweep ends or requeues at most; the next one follows soon.
const BATCH: u32 = 100;
/// How often a worker deletes old rows; at once again after a full batch.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
/// How long a connection to the database may be idle before a sweep closes it: longer than the pauses of
/// a worker that has runs.
const IDLE_CONNECTION: Duration = Duration::from_secs(30);
/// How long runs are left to their workers after the database was away: those that could not renew
/// their leases renew them now, or return the runs. That is no failure of a run.
const OTHERS_TURN: Duration = Duration::from_secs(3);
/// What is reported, and logged, while nothing can be written.
const READ_ONLY: &str = "the database takes no writes";

/// What is logged with the reason.
const FAIL: &str = "sweeps fail";

/// How often to sweep, and how long to keep.
#[derive(Debug, Clone, Copy)]
pub struct SweepOptions {
    /// The time between two sweeps.
    pub interval: Duration,
    /// How long ended runs and other old rows are kept.
    pub retention: Retention,
}

/// Where sweeps report whether the worker is ready, and what it lacks.
#[derive(Debug)]
pub struct Readiness {
    pub health: HealthReporter,
    pub redis: RedisState,
}

/// Sweeps until `shutdown`, and reports after each sweep whether the worker is ready.
pub async fn run(
    store: Store,
    dispatcher: Arc<Dispatcher>,
    readiness: Readiness,
    options: SweepOptions,
    entropy: Arc<dyn Entropy>,
    turns: Turns,
    shutdown: CancellationToken,
) {
    let Readiness { health, redis } = readiness;
    let mut prune_at = Instant::now();
    let mut last = LastReason::default();
    let mut reclaim_at = Instant::now();
    loop {
        let turn = turns.take().await;
        let swept = sweep(&store, &dispatcher, reclaim_at).await;
        if swept.is_err() {
            reclaim_at = Instant::now() + OTHERS_TURN + options.interval;
        }
        SWEEPS.add(&[if swept.is_ok() { "done" } else { "failed" }], 1);
        match swept {
            Ok(()) => {
                last = LastReason::default();
                health.ready(redis.fault());
                if prune_at <= Instant::now() {
                    prune_at = Instant::now() + prune(&store, &options.retention).await;
                }
            }
            Err(NotReady::Schema(state)) => {
                last.log(FAIL, state.to_string());
                health.not_ready(&state.to_string());
            }
            Err(NotReady::ReadOnly) => {
                last.log(FAIL, READ_ONLY.to_owned());
                health.not_ready(READ_ONLY);
            }
            Err(NotReady::Database(error)) => {
                last.log(FAIL, Causes(&error).to_string());
                health.not_ready(match &error {
                    StoreError::ReadOnly(_) => READ_ONLY,
                    _ => "the database does not answer",
                });
            }
        }
        drop(turn);
        store.close_idle(IDLE_CONNECTION);
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(spread(options.interval, entropy.as_ref())) => {}
        }
    }
}

/// Why a worker is not ready. One that does not fit the schema sweeps nothing.
enum NotReady {
    Schema(SchemaState),
    ReadOnly,
    Database(StoreError),
}

impl From<StoreError> for NotReady {
    fn from(error: StoreError) -> Self {
        Self::Database(error)
    }
}

/// One sweep. Runs of lost workers are not claimed back before `reclaim_at`.
async fn sweep(
    store: &Store,
    dispatcher: &Arc<Dispatcher>,
    reclaim_at: Instant,
) -> Result<(), NotReady> {
    let steps = match store.plan_sweep().await? {
        SweepPlan::Unfit(schema) => {
            dispatcher.set_schema_fits(false);
            return Err(NotReady::Schema(schema));
        }
        SweepPlan::ReadOnly => return Err(NotReady::ReadOnly),
        SweepPlan::Steps(steps) => steps,
    };
    dispatcher.set_schema_fits(true);
    let reclaimed = if steps.reclaim && reclaim_at <= Instant::now() {
        store.reclaim_expired(BATCH).await?
    } else {
        SweepCount::default()
    };
    if reclaimed.requeued > 0 {
        crash_point!("reclaim.mid");
    }
    report("take_back", "reclaimed from lost workers", reclaimed);
    let cancelled = if steps.cancel {
        store.cancel_overdue(BATCH).await?
    } else {
        SweepCount::default()
    };
    report("cancel_overdue", "past their cancel deadline", cancelled);
    let timed_out = if steps.time_out {
        store.fail_queue_timeouts(BATCH).await?
    } else {
        SweepCount::default()
    };
    report("queue_timeout", "past their queue limit", timed_out);
    if steps.fire {
        schedules::fire_due(store).await?;
    }
    if steps.number {
        store.number_events().await?;
    }
    if steps.claim || steps.fire || reclaimed.requeued > 0 {
        dispatcher.look_without_message();
    }
    Ok(())
}

/// Notices client secrets that end soon, deletes a batch of what is too old, and gives the time until the next. A failure costs nothing
/// but the time: it does not make the worker unfit for its work.
async fn prune(store: &Store, retention: &Retention) -> Duration {
    match store.notice_secret_ends(BATCH).await {
        Ok(0) => {}
        Ok(tenants) => tracing::info!(tenants, "client secrets end soon"),
        Err(error) => {
            tracing::warn!(error = %Causes(&error), "whose client secrets end soon was not found out");
        }
    }
    match store.prune(retention, PRUNE_BATCH).await {
        Ok(pruned) => {
            log(&pruned);
            if pruned.more(PRUNE_BATCH) {
                Duration::ZERO
            } else {
                PRUNE_EVERY
            }
        }
        Err(error) => {
            tracing::warn!(error = %Causes(&error), "what is too old could not be deleted");
            PRUNE_EVERY
        }
    }
}

fn log(pruned: &Pruned) {
    for (table, rows) in [
        ("operation_runs", pruned.runs),
        ("notifications", pruned.notifications),
        ("audit_events", pruned.audit_events),
        ("inventory_changes", pruned.changes),
        ("inventory_versions", pruned.versions),
        ("activity_events", pruned.activity_events),
        ("events", pruned.events),
        ("webhook_deliveries", pruned.webhook_deliveries),
        ("workers", pruned.workers),
    ] {
        if rows > 0 {
            tracing::info!(table, rows, "deleted what was too old");
            ROWS_PRUNED.add(&[table], rows as u64);
        }
    }
}

fn report(sweep: &'static str, what: &'static str, count: SweepCount) {
    RUNS_SWEPT.add(&[sweep, "queued"], count.requeued.into());
    RUNS_SWEPT.add(&[sweep, "completed"], count.completed.into());
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
