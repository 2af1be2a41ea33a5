//! How much work waits, and pausing a kind of it.

use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::ids::{RequestId, UserId};
use atlas_domain::run::OperationKind;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::json;

use crate::audit::{IdentifiedEvent, NewAuditEvent, Origin};
use crate::error::StoreError;
use crate::pool::Store;
use crate::schema::queue_controls;
use crate::statement::{fetch_one, row, statement};

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
    pub since: DateTime<Utc>,
    /// By whom, as that person is called on the machine where it was asked for.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
}

/// Who pauses or resumes a kind of runs.
#[derive(Debug, Clone)]
pub enum QueueOperator {
    /// Somebody on the command line, as that person is called on that machine.
    Installation(String),
    /// A user of the API.
    User {
        id: UserId,
        /// The user's name.
        name: String,
        request_id: RequestId,
        /// Where the request came from.
        origin: Origin,
    },
}

impl From<&str> for QueueOperator {
    fn from(name: &str) -> Self {
        Self::Installation(name.to_owned())
    }
}

impl QueueOperator {
    fn name(&self) -> &str {
        match self {
            Self::Installation(name) | Self::User { name, .. } => name,
        }
    }
}

statement! {
    struct CountQueues {
        kinds: Vec<&'static str>,
    }
    file: "system/queue_stats",
    row: StatsRow,
}

row! {
    struct StatsRow {
        kind: String,
        queued: i64,
        due: i64,
        oldest_due_seconds: i64,
        overdue: i64,
        running: i64,
        lease_expired: i64,
        succeeded: i64,
        partially_succeeded: i64,
        failed: i64,
        cancelled: i64,
        paused_at: Option<DateTime<Utc>>,
        paused_by: Option<String>,
        reason: Option<String>,
    }
}

statement! {
    struct Resume {
        kind: &'static str,
    }
    file: "system/resume",
    row: ResumedRow,
}

row! {
    struct ResumedRow {
        resumed: i64,
    }
}

impl Store {
    /// How the runs of each kind stand, by kind. Numbers only: nothing of a tenant is in it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn queue_stats(&self) -> Result<Vec<QueueStats>, StoreError> {
        let kinds = OperationKind::WORDS.to_vec();
        let rows = self.fetch_all(&CountQueues { kinds }).await?;
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
        by: impl Into<QueueOperator>,
        reason: Option<&str>,
    ) -> Result<bool, StoreError> {
        let by = by.into();
        let paused_by = by.name().to_owned();
        let detail = json!({ "by": paused_by, "reason": reason });
        let audit = self.controlled(kind, AuditAction::QueuePaused, by, detail);
        let control = (
            queue_controls::kind.eq(kind.as_str()),
            queue_controls::paused_by.eq(paused_by),
            queue_controls::reason.eq(reason),
        );
        self.read(async |connection| {
            connection
                .transaction(async |connection| {
                    let rows = diesel::insert_into(queue_controls::table)
                        .values(control)
                        .on_conflict_do_nothing()
                        .execute(connection)
                        .await?;
                    if rows == 1 {
                        audit.insert(connection).await?;
                    }
                    Ok(rows == 1)
                })
                .await
        })
        .await
    }

    /// Lets runs of the kind be claimed again. False when it was not paused.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn resume(
        &self,
        kind: OperationKind,
        by: impl Into<QueueOperator>,
    ) -> Result<bool, StoreError> {
        let by = by.into();
        let detail = json!({ "by": by.name() });
        let audit = self.controlled(kind, AuditAction::QueueResumed, by, detail);
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let kind = kind.as_str();
        let resumed = fetch_one(&transaction, &Resume { kind }).await?.resumed == 1;
        if resumed {
            audit.record(&transaction).await?;
        }
        transaction.commit().await?;
        Ok(resumed)
    }

    fn controlled(
        &self,
        kind: OperationKind,
        action: AuditAction,
        by: QueueOperator,
        detail: serde_json::Value,
    ) -> IdentifiedEvent {
        let (actor_kind, actor, request_id, origin) = match by {
            QueueOperator::Installation(_) => {
                (ActorKind::Installation, None, None, Origin::default())
            }
            QueueOperator::User {
                id,
                request_id,
                origin,
                ..
            } => (
                ActorKind::User,
                Some(id.into_uuid()),
                Some(request_id),
                origin,
            ),
        };
        self.identify(NewAuditEvent {
            tenant: None,
            actor_kind,
            actor,
            action,
            target_kind: "queue",
            target_id: kind.to_string(),
            outcome: AuditOutcome::Allowed,
            request_id,
            origin,
            detail: Some(detail),
        })
    }
}

impl From<StatsRow> for QueueStats {
    fn from(row: StatsRow) -> Self {
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

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] = &[
    <CountQueues as crate::statement::Statement>::INFO,
    <Resume as crate::statement::Statement>::INFO,
];
