//! Deleting what is older than configured, in batches that hold no lock for long. Any number of
//! workers may prune at once: they leave each other's rows alone.

use std::time::Duration;

use crate::error::StoreError;
use crate::events::lock_log;
use crate::pool::Store;
use crate::runs::milliseconds;
use crate::statement::{CountRow, execute, fetch_one, statement};
#[cfg(test)]
use crate::statement::{Info, Statement};

/// Rows of each sort that one call deletes at most.
pub const PRUNE_BATCH: u32 = 500;

/// How long events of Microsoft Graph's audit logs are kept, from when they happened. A policy type that is
/// synced less often finds no actors.
const ACTIVITY_EVENTS_KEPT: &str = "30 days";

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
    /// Past versions of inventory items, from when they ended. Each item's last ten stay.
    pub versions: Duration,
    /// Entries of the delivery log of webhooks.
    pub deliveries: Duration,
    /// Events of the log, from when they got their positions. Those of a run stay with the run.
    pub events: Duration,
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
    /// Past versions of inventory items.
    pub versions: usize,
    /// Events of Microsoft Graph's audit logs.
    pub activity_events: usize,
    /// Events of the log.
    pub events: usize,
    /// Entries of the delivery log of webhooks.
    pub webhook_deliveries: usize,
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
            || self.versions >= batch
            || self.activity_events >= batch
            || self.events >= batch
            || self.webhook_deliveries >= batch
    }
}

statement! {
    struct PruneRuns {
        age_ms: i64,
        batch: i64,
    }
    file: "system/prune_runs",
    row: (),
}

statement! {
    struct PruneNotifications {
        age_ms: i64,
        batch: i64,
    }
    file: "system/prune_notifications",
    row: (),
}

statement! {
    struct PruneAuditEvents {
        age_ms: i64,
        batch: i64,
    }
    file: "system/prune_audit_events",
    row: (),
}

statement! {
    struct PruneChanges {
        age_ms: i64,
        batch: i64,
    }
    file: "system/prune_changes",
    row: (),
}

statement! {
    struct PruneVersions {
        age_ms: i64,
        batch: i64,
    }
    file: "system/prune_versions",
    row: CountRow,
}

statement! {
    struct PruneActivityEvents {
        batch: i64,
    }
    file: "system/prune_activity_events",
    row: (),
    constants: [kept = ACTIVITY_EVENTS_KEPT],
}

statement! {
    struct PruneEvents {
        age_ms: i64,
        batch: i64,
    }
    file: "system/prune_events",
    row: CountRow,
}

statement! {
    struct PruneWebhookDeliveries {
        age_ms: i64,
        batch: i64,
    }
    file: "system/prune_webhook_deliveries",
    row: (),
}

statement! {
    struct PruneStartKeys {
        batch: i64,
    }
    file: "system/prune_start_keys",
    row: (),
}

statement! {
    struct PruneStreamTickets {
        batch: i64,
    }
    file: "system/prune_stream_tickets",
    row: (),
}

statement! {
    struct PruneWorkers {}
    file: "system/prune_workers",
    row: (),
}

/// The log refuses deletions outside a transaction that says this (migration 5).
pub(crate) const DELETION_IS_RETENTION: &str = "SET LOCAL atlas.retention = 'on'";

impl Store {
    /// Deletes a batch of each sort of what is too old, each sort in a transaction of its own.
    ///
    /// # Errors
    /// [`StoreError`]; what was deleted before stays deleted.
    pub async fn prune(&self, retention: &Retention, batch: u32) -> Result<Pruned, StoreError> {
        let batch = i64::from(batch);
        let mut client = self.client().await?;
        let age_ms = milliseconds(retention.runs);
        let runs = execute(&client, &PruneRuns { age_ms, batch }).await?;
        let age_ms = milliseconds(retention.notifications);
        let notifications = execute(&client, &PruneNotifications { age_ms, batch }).await?;
        let age_ms = milliseconds(retention.audit);
        let transaction = client.transaction().await?;
        transaction.batch_execute(DELETION_IS_RETENTION).await?;
        let audit_events = execute(&transaction, &PruneAuditEvents { age_ms, batch }).await?;
        transaction.commit().await?;
        let age_ms = milliseconds(retention.changes);
        let changes = execute(&client, &PruneChanges { age_ms, batch }).await?;
        let age_ms = milliseconds(retention.versions);
        let versions = fetch_one(&client, &PruneVersions { age_ms, batch }).await?;
        let activity_events = execute(&client, &PruneActivityEvents { batch }).await?;
        let age_ms = milliseconds(retention.events);
        let transaction = client.transaction().await?;
        lock_log(&transaction).await?;
        let events = fetch_one(&transaction, &PruneEvents { age_ms, batch }).await?;
        transaction.commit().await?;
        let age_ms = milliseconds(retention.deliveries);
        let deliveries = execute(&client, &PruneWebhookDeliveries { age_ms, batch }).await?;
        execute(&client, &PruneStartKeys { batch }).await?;
        execute(&client, &PruneStreamTickets { batch }).await?;
        let workers = execute(&client, &PruneWorkers {}).await?;
        Ok(Pruned {
            runs: count(runs),
            notifications: count(notifications),
            audit_events: count(audit_events),
            changes: count(changes),
            versions: count(versions.count.unsigned_abs()),
            activity_events: count(activity_events),
            events: count(events.count.unsigned_abs()),
            webhook_deliveries: count(deliveries),
            workers: count(workers),
        })
    }
}

fn count(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <PruneRuns as Statement>::INFO,
    <PruneNotifications as Statement>::INFO,
    <PruneAuditEvents as Statement>::INFO,
    <PruneChanges as Statement>::INFO,
    <PruneVersions as Statement>::INFO,
    <PruneActivityEvents as Statement>::INFO,
    <PruneEvents as Statement>::INFO,
    <PruneWebhookDeliveries as Statement>::INFO,
    <PruneStartKeys as Statement>::INFO,
    <PruneStreamTickets as Statement>::INFO,
    <PruneWorkers as Statement>::INFO,
];
