//! Deleting what is older than configured, in batches that hold no lock for long. Any number of
//! workers may prune at once: they leave each other's rows alone.

use std::time::Duration;

use diesel::result::Error as DieselError;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncConnection, RunQueryDsl};

use crate::error::StoreError;
use crate::pool::Store;
use crate::prepared::prepared;

/// Rows of each sort that one call deletes at most.
pub const PRUNE_BATCH: u32 = 500;

/// How long what has come to its end is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Completed runs, from their end; with their events, results and notifications.
    pub runs: Duration,
    /// Notifications, from when they were written, read or not.
    pub notifications: Duration,
    /// Entries of the audit log.
    pub audit: Duration,
    /// Recorded changes of inventory items, from when they were recorded.
    pub changes: Duration,
}

/// How much was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs. What belongs to them went too and is not counted.
    pub runs: usize,
    /// Notifications that were too old by themselves.
    pub notifications: usize,
    /// Entries of the audit log.
    pub audit_events: usize,
    /// Recorded changes of inventory items.
    pub changes: usize,
    /// Workers that were killed and have been silent for a day.
    pub workers: usize,
}

impl Pruned {
    /// Whether there may be more, because a batch was full.
    #[must_use]
    pub const fn more(&self, batch: u32) -> bool {
        let batch = batch as usize;
        self.runs >= batch
            || self.notifications >= batch
            || self.audit_events >= batch
            || self.changes >= batch
    }
}

/// A tenant's newest run of each kind and outcome stays, so that it is still known when the tenant
/// was last synced. Events, results, sync runs and notifications go by their foreign keys; a run
/// that repeats this one forgets that it does. Items remember the run that last saw them by its id
/// only. $1 milliseconds, $2 batch.
const RUNS: &str = "DELETE FROM operation_runs d USING ( \
        SELECT r.id FROM operation_runs r WHERE r.status = 'completed' \
            AND r.completed_at < clock_timestamp() - $1 * interval '1 millisecond' \
            AND EXISTS (SELECT 1 FROM operation_runs n WHERE n.tenant_id = r.tenant_id \
                AND n.kind = r.kind AND n.outcome = r.outcome \
                AND (n.created_at, n.id) > (r.created_at, r.id)) \
        ORDER BY r.completed_at LIMIT $2 FOR UPDATE OF r SKIP LOCKED) old \
    WHERE d.id = old.id AND d.status = 'completed'";

/// $1 milliseconds, $2 batch.
const NOTIFICATIONS: &str = "DELETE FROM notifications d USING ( \
        SELECT n.id FROM notifications n \
        WHERE n.created_at < clock_timestamp() - $1 * interval '1 millisecond' \
        LIMIT $2 FOR UPDATE SKIP LOCKED) old \
    WHERE d.id = old.id";

/// The log refuses deletions outside a transaction that says this (migration 5).
const DELETION_IS_RETENTION: &str = "SET LOCAL atlas.retention = 'on'";

/// $1 milliseconds, $2 batch.
const AUDIT_EVENTS: &str = "DELETE FROM audit_events d USING ( \
        SELECT a.id FROM audit_events a \
        WHERE a.occurred_at < clock_timestamp() - $1 * interval '1 millisecond' \
        LIMIT $2 FOR UPDATE SKIP LOCKED) old \
    WHERE d.id = old.id";

/// $1 milliseconds, $2 batch.
const CHANGES: &str = "DELETE FROM inventory_changes d USING ( \
        SELECT c.tenant_id, c.occurred_at, c.id FROM inventory_changes c \
        WHERE c.occurred_at < clock_timestamp() - $1 * interval '1 millisecond' \
        LIMIT $2 FOR UPDATE SKIP LOCKED) old \
    WHERE d.tenant_id = old.tenant_id AND d.occurred_at = old.occurred_at AND d.id = old.id";

const WORKERS: &str =
    "DELETE FROM workers WHERE heartbeat_at < clock_timestamp() - interval '1 day'";

impl Store {
    /// Deletes a batch of each sort of what is too old, each sort in a transaction of its own.
    ///
    /// # Errors
    /// [`StoreError`]; what was deleted before stays deleted.
    pub async fn prune(&self, retention: &Retention, batch: u32) -> Result<Pruned, StoreError> {
        let mut connection = self.connection().await?;
        let old = |statement, age| {
            prepared(
                sql_query(statement)
                    .bind::<BigInt, _>(milliseconds(age))
                    .bind::<BigInt, _>(i64::from(batch)),
            )
        };
        let runs = old(RUNS, retention.runs).execute(&mut connection).await?;
        let notifications = old(NOTIFICATIONS, retention.notifications)
            .execute(&mut connection)
            .await?;
        let audit_events = connection
            .transaction::<usize, DieselError, _>(async |connection| {
                sql_query(DELETION_IS_RETENTION).execute(connection).await?;
                old(AUDIT_EVENTS, retention.audit).execute(connection).await
            })
            .await?;
        let changes = old(CHANGES, retention.changes)
            .execute(&mut connection)
            .await?;
        let workers = prepared(sql_query(WORKERS))
            .execute(&mut connection)
            .await?;
        Ok(Pruned {
            runs,
            notifications,
            audit_events,
            changes,
            workers,
        })
    }
}

fn milliseconds(age: Duration) -> i64 {
    i64::try_from(age.as_millis()).unwrap_or(i64::MAX)
}
