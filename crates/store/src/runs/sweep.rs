//! What nobody else ends. Every worker sweeps; concurrent sweeps skip each other's rows, and a
//! sweep that finds nothing changes nothing. One run per transaction, so that one held row cannot
//! hold up the others.

use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::run::{Completion, OperationKind, RunCounts, Transition};
use const_format::concatcp;
use diesel::sql_types::{Jsonb, Text, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;

use super::requeue::Texts;
use super::row::{NO_LEASE, TOLD, to_json};
use crate::error::StoreError;
use crate::pool::Store;
use crate::prepared::prepared;

/// What one sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepCount {
    /// Runs that are queued again.
    pub requeued: u32,
    /// Runs that have ended.
    pub completed: u32,
}

/// Takes a running run that matches from its owner: run row and fence row are locked together, and
/// rows that somebody holds are left for the next round. $10 the kind of run.
macro_rules! seize {
    ($condition:literal) => {
        concat!(
            "WITH held AS ( \
                SELECT r.id, r.tenant_id, r.lock_scope FROM operation_runs r \
                    JOIN tenant_fences f ON f.tenant_id = r.tenant_id AND f.scope = r.lock_scope \
                WHERE r.status = 'running' AND r.kind = $10 AND ",
            $condition,
            " ORDER BY r.lease_expires_at LIMIT 1 FOR UPDATE OF r, f SKIP LOCKED), \
            fenced AS ( \
                UPDATE tenant_fences f SET fence = f.fence + 1, token = NULL FROM held h \
                WHERE f.tenant_id = h.tenant_id AND f.scope = h.lock_scope RETURNING h.id), "
        )
    };
}

/// A heartbeat from the future was written before the database's clock was set back. A lease as old
/// may be nobody's, and would run out that much later; its owner, if it lives, loses the run to the
/// fence as any other does. $9 the error.
const TAKE_BACK: &str = concatcp!(
    seize!(
        "(r.lease_expires_at < clock_timestamp() \
            OR r.heartbeat_at > clock_timestamp() + interval '1 minute')"
    ),
    "changed AS ( \
        UPDATE operation_runs r SET \
            status = CASE WHEN r.cancel_requested_at IS NOT NULL \
                OR r.failures + 1 >= r.max_failures THEN 'completed' ELSE 'queued' END, \
            outcome = CASE WHEN r.cancel_requested_at IS NOT NULL THEN 'cancelled' \
                WHEN r.failures + 1 >= r.max_failures THEN 'failed' END, \
            completed_at = CASE WHEN r.cancel_requested_at IS NOT NULL \
                OR r.failures + 1 >= r.max_failures THEN clock_timestamp() END, \
            error = CASE WHEN r.cancel_requested_at IS NULL THEN $9 END, \
            failures = r.failures + 1, wait_reason = 'worker_lost', \
            updated_at = clock_timestamp(), event_seq = r.event_seq + 1, ",
    NO_LEASE,
    " FROM fenced WHERE r.id = fenced.id AND ",
    Transition::TakeBack.guard(),
    " RETURNING r.*)",
    TOLD,
    "SELECT c.status FROM changed c"
);

/// $9 is null: a cancellation is no error.
const CANCEL_OVERDUE: &str = concatcp!(
    seize!("r.cancel_deadline_at < clock_timestamp()"),
    "changed AS ( \
        UPDATE operation_runs r SET status = 'completed', outcome = 'cancelled', \
            error = nullif($9, $9), completed_at = clock_timestamp(), \
            updated_at = clock_timestamp(), event_seq = r.event_seq + 1, ",
    NO_LEASE,
    " FROM fenced WHERE r.id = fenced.id AND ",
    Transition::CancelOverdue.guard(),
    " RETURNING r.*)",
    TOLD,
    "SELECT c.status FROM changed c"
);

/// While the kind is paused no limit ends a run: nobody could have taken it. $9 the error.
const QUEUE_TIMEOUT: &str = concatcp!(
    "WITH held AS ( \
        SELECT r.id FROM operation_runs r \
        WHERE r.kind = $10 AND r.expires_at < clock_timestamp() \
            AND NOT EXISTS (SELECT 1 FROM queue_controls q WHERE q.kind = r.kind) AND ",
    Transition::FailQueueTimeout.guard(),
    " LIMIT 1 FOR UPDATE SKIP LOCKED), \
    changed AS ( \
        UPDATE operation_runs r SET status = 'completed', outcome = 'failed', error = $9, \
            completed_at = clock_timestamp(), updated_at = clock_timestamp(), \
            event_seq = r.event_seq + 1 \
        FROM held WHERE r.id = held.id AND ",
    Transition::FailQueueTimeout.guard(),
    " RETURNING r.*)",
    TOLD,
    "SELECT c.status FROM changed c"
);

#[derive(QueryableByName)]
struct StatusRow {
    #[diesel(sql_type = Text)]
    status: String,
}

impl Store {
    /// Takes back runs whose lease ran out: queued again, or ended as `worker_lost` when that
    /// happened too often, or as cancelled when that was asked for.
    ///
    /// # Errors
    /// [`StoreError`]; what was done before stays done.
    pub async fn take_back_expired(&self, limit: u32) -> Result<SweepCount, StoreError> {
        let failure = Failure::transient(
            FailureCode::WORKER_LOST,
            "The worker that had the run stopped without a word.",
        )
        .with_hint(
            "If it happens again, look for the worker's end in its log: it may lack memory.",
        );
        self.sweep(TAKE_BACK, "lease_lost", &failure, limit).await
    }

    /// Ends running runs whose worker did not honour a cancellation in time.
    ///
    /// # Errors
    /// [`StoreError`]; what was done before stays done.
    pub async fn cancel_overdue(&self, limit: u32) -> Result<SweepCount, StoreError> {
        let unused = Failure::permanent(FailureCode::CANCELLED, "The run was cancelled.");
        self.sweep(CANCEL_OVERDUE, "cancelled", &unused, limit)
            .await
    }

    /// Ends queued runs that waited longer than their limit.
    ///
    /// # Errors
    /// [`StoreError`]; what was done before stays done.
    pub async fn fail_queue_timeouts(&self, limit: u32) -> Result<SweepCount, StoreError> {
        let failure = Failure::transient(
            FailureCode::QUEUE_TIMEOUT,
            "The run waited in the queue longer than its limit.",
        )
        .with_hint("Run more workers, or look why they do not take work.");
        self.sweep(QUEUE_TIMEOUT, "queue_timeout", &failure, limit)
            .await
    }

    async fn sweep(
        &self,
        statement: &'static str,
        event: &'static str,
        failure: &Failure,
        limit: u32,
    ) -> Result<SweepCount, StoreError> {
        let mut count = SweepCount::default();
        for kind in OperationKind::ALL {
            self.sweep_kind(kind, statement, event, failure, limit, &mut count)
                .await?;
        }
        Ok(count)
    }

    /// Of one kind, whose name is in what the initiators are told.
    async fn sweep_kind(
        &self,
        kind: OperationKind,
        statement: &'static str,
        event: &'static str,
        failure: &Failure,
        limit: u32,
        count: &mut SweepCount,
    ) -> Result<(), StoreError> {
        let completion = Completion::failed(failure.clone(), RunCounts::default());
        let texts = Texts::of(kind, &completion);
        let error = to_json(failure);
        let mut connection = self.connection().await?;
        for _ in 0..limit {
            let row: Option<StatusRow> = prepared(
                sql_query(statement)
                    .bind::<Text, _>(event)
                    .bind::<SqlUuid, _>(self.mint())
                    .bind::<Text, _>(&texts.failed.title)
                    .bind::<Text, _>(&texts.failed.body)
                    .bind::<Text, _>(&texts.cancelled.title)
                    .bind::<Text, _>(&texts.cancelled.body)
                    .bind::<SqlUuid, _>(self.mint())
                    .bind::<Text, _>("worker")
                    .bind::<Jsonb, _>(&error)
                    .bind::<Text, _>(kind.as_str()),
            )
            .get_result(&mut connection)
            .await
            .optional()?;
            match row {
                None => break,
                Some(row) if row.status == "queued" => count.requeued += 1,
                Some(_) => count.completed += 1,
            }
        }
        Ok(())
    }
}
