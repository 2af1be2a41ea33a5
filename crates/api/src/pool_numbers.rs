//! How the pools of connections are used, for Prometheus.

use std::time::Duration;

use atlas_store::Store;
use atlas_telemetry::metrics::{DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_MAX, DATABASE_WAITING};

/// How often the pools are looked at.
const INTERVAL: Duration = Duration::from_secs(5);

/// Looks until the process ends. Asks the pools, and not the database.
pub async fn run(store: Store) {
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    loop {
        for of in store.pools() {
            DATABASE_CONNECTIONS.set(&[of.pool, "used"], count(of.used));
            DATABASE_CONNECTIONS.set(&[of.pool, "idle"], count(of.idle));
            DATABASE_CONNECTIONS_MAX.set(&[of.pool], count(of.most));
            DATABASE_WAITING.set(&[of.pool], count(of.waiting));
        }
        tokio::time::sleep(INTERVAL).await;
    }
}
