//! Numbers that are read at intervals for Prometheus. Those that only the database knows are read by
//! every worker, and are the same everywhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::clock::Clock;
use atlas_domain::run::OperationKind;
use atlas_domain::tenant::Expiry;
use atlas_store::{PoolUse, QueueStats, SecretEnd, Store, StoreError, SyncAge};
use atlas_telemetry::metrics::{
    CERTIFICATE_STATES, DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_MAX, DATABASE_WAITING,
    ENDED_LAST_HOUR, LEASES_EXPIRED, OBSERVED_AT, OLDEST_DUE, QUEUE_PAUSED, RUNS, RUNS_DUE,
    RUNS_OVERDUE, SECRET_STATES, SYNC_AGES, TENANT_CERTIFICATES, TENANT_SECRETS,
    TENANTS_BY_SYNC_AGE,
};
use chrono::NaiveDate;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::sign_in::SignIn;
use crate::turns::Turns;

/// How often the numbers of the queue are read.
const INTERVAL: Duration = Duration::from_secs(15);

/// How often it is read how the tenants stand: that takes a look at each of them.
const TENANTS_EVERY: Duration = Duration::from_secs(60);

/// Reads until `shutdown`. While the database does not answer the numbers stay as they were, and the
/// time at which they were read shows it.
pub async fn run(
    store: Store,
    sign_in: Arc<SignIn>,
    clock: Arc<dyn Clock>,
    turns: Turns,
    shutdown: CancellationToken,
) {
    let mut tenants_at = Instant::now();
    loop {
        store.pools().iter().for_each(record_pool);
        let turn = turns.take().await;
        match store.queue_stats().await {
            Ok(all) => {
                all.iter().for_each(record);
                OBSERVED_AT.set(&[], clock.now().timestamp());
            }
            Err(error) => {
                tracing::warn!(error = %Causes(&error), "the queue's numbers could not be read");
            }
        }
        if tenants_at <= Instant::now() {
            tenants_at = Instant::now() + TENANTS_EVERY;
            if let Err(error) = tenants(&store, &sign_in, clock.as_ref()).await {
                tracing::warn!(error = %Causes(&error), "the tenants' numbers could not be read");
            }
        }
        drop(turn);
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

async fn tenants(store: &Store, sign_in: &SignIn, clock: &dyn Clock) -> Result<(), StoreError> {
    record_ages(&store.sync_ages().await?);
    record_secrets(&store.secret_ends().await?, clock.now().date_naive());
    let mut counts = BTreeMap::new();
    for one in store.certificate_files().await? {
        let state = match &one.file {
            Some(file) => sign_in.certificate_state(file).await,
            None => "unreadable",
        };
        *counts.entry(state).or_default() += one.tenants;
    }
    for state in CERTIFICATE_STATES {
        let count: i64 = counts.get(state).copied().unwrap_or_default();
        TENANT_CERTIFICATES.set(&[state], count);
    }
    Ok(())
}

fn record_ages(ages: &[SyncAge]) {
    for kind in OperationKind::WORDS {
        for age in SYNC_AGES {
            let count = ages.iter().find(|one| one.kind == kind && one.age == age);
            TENANTS_BY_SYNC_AGE.set(&[kind, age], count.map_or(0, |one| one.tenants));
        }
    }
}

fn record_secrets(ends: &[SecretEnd], today: NaiveDate) {
    for state in SECRET_STATES {
        let of_state = ends
            .iter()
            .filter(|one| secret_state(one.expires_on, today) == state);
        TENANT_SECRETS.set(&[state], of_state.map(|one| one.tenants).sum::<i64>());
    }
}

/// A word of [`SECRET_STATES`].
fn secret_state(expires_on: Option<NaiveDate>, today: NaiveDate) -> &'static str {
    match expires_on.map(|day| Expiry::of(day, today)) {
        Some(Expiry::Good) => "good",
        Some(Expiry::Ending) => "ending",
        Some(Expiry::Ended) => "ended",
        None => "unknown",
    }
}

fn record_pool(of: &PoolUse) {
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    DATABASE_CONNECTIONS.set(&[of.pool, "used"], count(of.used));
    DATABASE_CONNECTIONS.set(&[of.pool, "idle"], count(of.idle));
    DATABASE_CONNECTIONS_MAX.set(&[of.pool], count(of.most));
    DATABASE_WAITING.set(&[of.pool], count(of.waiting));
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
