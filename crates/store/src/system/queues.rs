//! How much work waits, and pausing a kind of it.

use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::run::OperationKind;
use chrono::{DateTime, Utc};
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::json;

use crate::audit::{IdentifiedEvent, NewAuditEvent};
use crate::error::StoreError;
use crate::pool::Store;
use crate::prepared::prepared;

/// How the runs of one kind stand. A run is *due* when it waits for nothing but a free slot: its
/// time has come, its tenant is not busy, and its kind is not paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueStats {
    /// The kind's word. Kinds of a newer version are counted too.
    pub kind: String,
    /// Queued runs, whatever they wait for.
    pub queued: i64,
    /// Queued runs that are due.
    pub due: i64,
    /// For how many seconds the longest waiting due run has been due; 0 when none is.
    pub oldest_due_seconds: i64,
    /// Due runs that have been due for more than two minutes. More than none means that too few
    /// workers take work.
    pub overdue: i64,
    /// Running runs.
    pub running: i64,
    /// Running runs whose lease ran out more than thirty seconds ago. More than none means that no
    /// worker sweeps.
    pub lease_expired: i64,
    /// Runs that ended within the last hour.
    pub ended_last_hour: EndedLastHour,
    /// There while claims of this kind are paused.
    pub pause: Option<Pause>,
}

/// Runs that ended within the last hour, by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndedLastHour {
    /// Everything that was asked for was read.
    pub succeeded: i64,
    /// Some of it was.
    pub partially_succeeded: i64,
    /// None of it was, or the run never began.
    pub failed: i64,
    /// Somebody stopped it.
    pub cancelled: i64,
}

/// That claims of a kind are paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub since: DateTime<Utc>,
    /// By whom, as that person is called on the machine where it was asked for.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    queued: i64,
    #[diesel(sql_type = BigInt)]
    due: i64,
    #[diesel(sql_type = BigInt)]
    oldest_due_seconds: i64,
    #[diesel(sql_type = BigInt)]
    overdue: i64,
    #[diesel(sql_type = BigInt)]
    running: i64,
    #[diesel(sql_type = BigInt)]
    lease_expired: i64,
    #[diesel(sql_type = BigInt)]
    succeeded: i64,
    #[diesel(sql_type = BigInt)]
    partially_succeeded: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    cancelled: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    paused_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    paused_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
}

/// Reads active runs and those of the last hour only, both through partial indexes. $1 the kinds of
/// this version.
const STATS: &str = "WITH active AS ( \
        SELECT r.kind, r.status, r.lease_expires_at, \
            CASE WHEN r.status = 'queued' AND r.not_before <= clock_timestamp() \
                AND NOT EXISTS (SELECT 1 FROM queue_controls c WHERE c.kind = r.kind) \
                AND NOT EXISTS (SELECT 1 FROM operation_runs o WHERE o.tenant_id = r.tenant_id \
                    AND o.lock_scope = r.lock_scope AND o.status = 'running') \
                THEN clock_timestamp() - r.not_before END AS due_for \
        FROM operation_runs r WHERE r.status IN ('queued', 'running')), \
    counted AS ( \
        SELECT a.kind, count(*) FILTER (WHERE a.status = 'queued') AS queued, \
            count(a.due_for) AS due, \
            coalesce(extract(epoch FROM max(a.due_for)), 0)::bigint AS oldest_due_seconds, \
            count(*) FILTER (WHERE a.due_for > interval '2 minutes') AS overdue, \
            count(*) FILTER (WHERE a.status = 'running') AS running, \
            count(*) FILTER (WHERE a.status = 'running' AND a.lease_expires_at \
                < clock_timestamp() - interval '30 seconds') AS lease_expired \
        FROM active a GROUP BY a.kind), \
    ended AS ( \
        SELECT r.kind, count(*) FILTER (WHERE r.outcome = 'succeeded') AS succeeded, \
            count(*) FILTER (WHERE r.outcome = 'partially_succeeded') AS partially_succeeded, \
            count(*) FILTER (WHERE r.outcome = 'failed') AS failed, \
            count(*) FILTER (WHERE r.outcome = 'cancelled') AS cancelled \
        FROM operation_runs r WHERE r.status = 'completed' \
            AND r.completed_at > clock_timestamp() - interval '1 hour' GROUP BY r.kind), \
    kinds AS ( \
        SELECT unnest($1) AS kind UNION SELECT c.kind FROM counted c \
        UNION SELECT e.kind FROM ended e UNION SELECT q.kind FROM queue_controls q) \
    SELECT k.kind, coalesce(c.queued, 0) AS queued, coalesce(c.due, 0) AS due, \
        coalesce(c.oldest_due_seconds, 0) AS oldest_due_seconds, \
        coalesce(c.overdue, 0) AS overdue, coalesce(c.running, 0) AS running, \
        coalesce(c.lease_expired, 0) AS lease_expired, coalesce(e.succeeded, 0) AS succeeded, \
        coalesce(e.partially_succeeded, 0) AS partially_succeeded, \
        coalesce(e.failed, 0) AS failed, coalesce(e.cancelled, 0) AS cancelled, \
        q.paused_at, q.paused_by, q.reason \
    FROM kinds k LEFT JOIN counted c ON c.kind = k.kind LEFT JOIN ended e ON e.kind = k.kind \
        LEFT JOIN queue_controls q ON q.kind = k.kind ORDER BY k.kind";

const PAUSE: &str = "INSERT INTO queue_controls (kind, paused_by, reason) VALUES ($1, $2, $3) \
    ON CONFLICT (kind) DO NOTHING";
/// The time of the pause does not count toward the queue limit of the runs that it held.
const RESUME: &str = "WITH resumed AS ( \
        DELETE FROM queue_controls WHERE kind = $1 RETURNING kind, paused_at), \
    held AS ( \
        UPDATE operation_runs r SET expires_at = \
            r.expires_at + (clock_timestamp() - greatest(p.paused_at, r.created_at)) \
        FROM resumed p WHERE r.kind = p.kind AND r.status = 'queued') \
    SELECT 1 FROM resumed";

impl Store {
    /// How the runs of each kind stand, by kind. Numbers only: nothing of a tenant is in it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn queue_stats(&self) -> Result<Vec<QueueStats>, StoreError> {
        let known = OperationKind::ALL.map(OperationKind::as_str);
        let rows: Vec<Row> = prepared(sql_query(STATS).bind::<Array<Text>, _>(&known[..]))
            .load(&mut self.connection().await?)
            .await?;
        Ok(rows.into_iter().map(QueueStats::from).collect())
    }

    /// Lets no further run of the kind be claimed until it is resumed. Runs that are under way go
    /// on; new ones are recorded and wait. False when the kind is paused already: nothing is
    /// changed then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pause(
        &self,
        kind: OperationKind,
        by: &str,
        reason: Option<&str>,
    ) -> Result<bool, StoreError> {
        let detail = json!({ "by": by, "reason": reason });
        let audit = self.controlled(kind, AuditAction::QueuePaused, detail);
        let paused = self
            .connection()
            .await?
            .transaction::<bool, DieselError, _>(async |connection| {
                let rows = sql_query(PAUSE)
                    .bind::<Text, _>(kind.as_str())
                    .bind::<Text, _>(by)
                    .bind::<Nullable<Text>, _>(reason)
                    .execute(connection)
                    .await?;
                if rows == 1 {
                    audit.insert(connection).await?;
                }
                Ok(rows == 1)
            })
            .await?;
        Ok(paused)
    }

    /// Lets runs of the kind be claimed again. False when it was not paused.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn resume(&self, kind: OperationKind, by: &str) -> Result<bool, StoreError> {
        let audit = self.controlled(kind, AuditAction::QueueResumed, json!({ "by": by }));
        let resumed = self
            .connection()
            .await?
            .transaction::<bool, DieselError, _>(async |connection| {
                let rows = sql_query(RESUME)
                    .bind::<Text, _>(kind.as_str())
                    .execute(connection)
                    .await?;
                if rows == 1 {
                    audit.insert(connection).await?;
                }
                Ok(rows == 1)
            })
            .await?;
        Ok(resumed)
    }

    fn controlled(
        &self,
        kind: OperationKind,
        action: AuditAction,
        detail: serde_json::Value,
    ) -> IdentifiedEvent {
        self.identify(NewAuditEvent {
            tenant: None,
            actor_kind: ActorKind::Installation,
            actor: None,
            action,
            target_kind: "queue",
            target_id: kind.to_string(),
            outcome: AuditOutcome::Allowed,
            request_id: None,
            detail: Some(detail),
        })
    }
}

impl From<Row> for QueueStats {
    fn from(row: Row) -> Self {
        Self {
            kind: row.kind,
            queued: row.queued,
            due: row.due,
            oldest_due_seconds: row.oldest_due_seconds,
            overdue: row.overdue,
            running: row.running,
            lease_expired: row.lease_expired,
            ended_last_hour: EndedLastHour {
                succeeded: row.succeeded,
                partially_succeeded: row.partially_succeeded,
                failed: row.failed,
                cancelled: row.cancelled,
            },
            pause: row.paused_at.zip(row.paused_by).map(|(since, by)| Pause {
                since,
                by,
                reason: row.reason,
            }),
        }
    }
}
