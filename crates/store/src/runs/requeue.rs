//! Giving a run back as its owner: each way consumes the claim and raises the fence, so that nothing
//! is written afterwards.

use std::time::Duration;

use atlas_domain::failure::Failure;
use atlas_domain::notification;
use atlas_domain::run::{Claim, Completion, Lease, Outcome, RunCounts, Transition, WaitReason};
use const_format::concatcp;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;

use super::admit::TENANT_NAME;
use super::claim::milliseconds;
use super::row::{NO_LEASE, TOLD, to_json};
use crate::error::StoreError;
use crate::pool::Store;
use crate::prepared::prepared;

/// What giving a run back did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requeued {
    /// It is queued again.
    Queued,
    /// It had failed too often and has ended as failed.
    Failed,
    /// Somebody had asked for it to stop, and it has.
    Cancelled,
    /// It was not the caller's any more; nothing was written.
    Lost,
}

/// The database did not answer; whether the run was ended is not known. Trying again is safe.
#[derive(Debug)]
pub struct Unfinished {
    /// The claim, to try again with.
    pub claim: Claim,
    /// Why.
    pub source: StoreError,
}

/// Locks the run's row, then raises the fence, both only if they are still the owner's. $9 run, $10
/// attempt, $11 token, $12 fence.
const OWNED: &str = "WITH held AS ( \
        SELECT r.id, r.tenant_id, r.lock_scope FROM operation_runs r \
        WHERE r.id = $9 AND r.attempt = $10 AND r.lease_token = $11 AND r.status = 'running' \
        FOR UPDATE), \
    fenced AS ( \
        UPDATE tenant_fences f SET fence = f.fence + 1, token = NULL FROM held h \
        WHERE f.tenant_id = h.tenant_id AND f.scope = h.lock_scope AND f.fence = $12 \
        RETURNING h.id), ";

/// $13 failures to add, $14 delay in milliseconds, $15 error, $16 wait reason. A request to cancel
/// ends the run instead, and so does the last permitted failure.
const REQUEUE: &str = concatcp!(
    OWNED,
    "changed AS ( \
        UPDATE operation_runs r SET \
            status = CASE WHEN r.cancel_requested_at IS NOT NULL \
                OR r.failures + $13 >= r.max_failures AND $13 > 0 THEN 'completed' ELSE 'queued' END, \
            outcome = CASE WHEN r.cancel_requested_at IS NOT NULL THEN 'cancelled' \
                WHEN r.failures + $13 >= r.max_failures AND $13 > 0 THEN 'failed' END, \
            completed_at = CASE WHEN r.cancel_requested_at IS NOT NULL \
                OR r.failures + $13 >= r.max_failures AND $13 > 0 THEN clock_timestamp() END, \
            failures = r.failures + $13, \
            error = CASE WHEN r.cancel_requested_at IS NULL THEN $15 END, \
            not_before = clock_timestamp() + $14 * interval '1 millisecond', \
            wait_reason = $16, updated_at = clock_timestamp(), event_seq = r.event_seq + 1, ",
    NO_LEASE,
    " FROM fenced WHERE r.id = fenced.id AND ",
    Transition::Retry.guard(),
    " RETURNING r.*)",
    TOLD,
    "SELECT c.status, c.outcome FROM changed c"
);

/// What the sweeps and the owner's requeue share: they have no counts of their own.
pub(super) struct Texts {
    pub(super) failed: notification::Message,
    pub(super) cancelled: notification::Message,
}

impl Texts {
    pub(super) fn of(
        lease_kind: atlas_domain::run::OperationKind,
        completion: &Completion,
    ) -> Self {
        let cancelled = Completion::cancelled(RunCounts::default());
        Self {
            failed: notification::terminal(lease_kind, TENANT_NAME, completion),
            cancelled: notification::terminal(lease_kind, TENANT_NAME, &cancelled),
        }
    }
}

#[derive(QueryableByName)]
struct EndRow {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    outcome: Option<String>,
}

impl Store {
    /// Gives the run back after a failure that may pass; it is due again after `delay`. The last
    /// permitted failure ends it.
    ///
    /// # Errors
    /// [`Unfinished`] with the claim, when the database did not answer.
    pub async fn retry_later(
        &self,
        claim: Claim,
        delay: Duration,
        failure: &Failure,
    ) -> Result<Requeued, Unfinished> {
        let result = self
            .requeue(
                &claim.lease,
                "retried",
                1,
                delay,
                Some(failure),
                WaitReason::Backoff,
            )
            .await;
        result.map_err(|source| Unfinished { claim, source })
    }

    /// Gives the run back because this process ends. It is due at once, and no failure is counted.
    ///
    /// # Errors
    /// [`Unfinished`] with the claim, when the database did not answer.
    pub async fn hand_back(&self, claim: Claim) -> Result<Requeued, Unfinished> {
        let result = self
            .requeue(
                &claim.lease,
                "handed_back",
                0,
                Duration::ZERO,
                None,
                WaitReason::HandedBack,
            )
            .await;
        result.map_err(|source| Unfinished { claim, source })
    }

    async fn requeue(
        &self,
        lease: &Lease,
        event: &'static str,
        failures: i32,
        delay: Duration,
        failure: Option<&Failure>,
        reason: WaitReason,
    ) -> Result<Requeued, StoreError> {
        let completion = Completion {
            outcome: Outcome::Failed,
            counts: RunCounts::default(),
            error: failure.cloned(),
        };
        let texts = Texts::of(lease.kind, &completion);
        let row: Option<EndRow> = prepared(
            sql_query(REQUEUE)
                .bind::<Text, _>(event)
                .bind::<SqlUuid, _>(self.mint())
                .bind::<Text, _>(texts.failed.title)
                .bind::<Text, _>(texts.failed.body)
                .bind::<Text, _>(texts.cancelled.title)
                .bind::<Text, _>(texts.cancelled.body)
                .bind::<SqlUuid, _>(self.mint())
                .bind::<Text, _>("worker")
                .bind::<SqlUuid, _>(lease.run_id.into_uuid())
                .bind::<Integer, _>(lease.attempt)
                .bind::<SqlUuid, _>(lease.token.into_uuid())
                .bind::<BigInt, _>(lease.fence)
                .bind::<Integer, _>(failures)
                .bind::<BigInt, _>(milliseconds(delay))
                .bind::<Nullable<Jsonb>, _>(failure.map(to_json))
                .bind::<Text, _>(reason.as_str()),
        )
        .get_result(&mut self.connection().await?)
        .await
        .optional()?;
        Ok(match row {
            None => Requeued::Lost,
            Some(row) if row.status == "queued" => Requeued::Queued,
            Some(row) if row.outcome.as_deref() == Some("cancelled") => Requeued::Cancelled,
            Some(_) => Requeued::Failed,
        })
    }
}
