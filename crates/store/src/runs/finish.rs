//! Ending a run as its owner: outcome, counts, notification, audit entry and event in one short
//! transaction, for one run or for many that end in the same moment. The fence is raised, so that
//! nothing is written after the end.

use std::collections::HashMap;

use atlas_domain::ids::RunId;
use atlas_domain::run::{Claim, Completion, Lease, Outcome, Progress, Transition};
use const_format::concatcp;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::requeue::{Texts, Unfinished};
use super::row::{NO_LEASE, to_json, told};
use crate::error::StoreError;
use crate::pool::Store;
use crate::prepared::prepared;

/// What finishing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The run has ended as said.
    Done {
        /// A run of the same tenant that waited for this one.
        next: Option<RunId>,
    },
    /// The run was not the caller's any more; nothing was written.
    Lost,
}

/// A run that is to end, as its owner asks.
#[derive(Debug, Clone)]
pub struct Ending {
    /// Whose it is.
    pub lease: Lease,
    /// How it ends.
    pub completion: Completion,
    /// The last progress; none leaves what was written last.
    pub progress: Option<Progress>,
}

/// Locks the rows of the runs, then those of their fences, both only if they are still the owner's,
/// and either waits for rows that somebody holds or leaves those runs out. A run that was asked to
/// stop ends as cancelled, even when its last work was quicker: whoever was told that it is being
/// cancelled can rely on it. `= ANY` says what the join says too: from it the planner knows that few
/// rows are asked for, and takes an index.
///
/// Arrays with a value for each run: $1 run, $2 attempt, $3 token, $4 fence, $5 outcome, $6 counts,
/// $7 error, $8 progress, $9 event, $10 notification, $11 its title and $12 body, $13 and $14 both
/// when it was cancelled, $15 audit entry. The tenant's name stands for `{tenant}` in texts.
macro_rules! finish {
    ($held:literal) => {
        concatcp!(
            "WITH asked AS ( \
                SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::bigint[], $5::text[], \
                    $6::jsonb[], $7::jsonb[], $8::jsonb[], $9::text[], $10::uuid[], $11::text[], \
                    $12::text[], $13::text[], $14::text[], $15::uuid[]) \
                AS a(id, attempt, token, fence, outcome, counts, error, progress, event, notice_id, \
                    title, body, cancelled_title, cancelled_body, audit_id)), \
            held AS ( \
                SELECT r.id, r.tenant_id, r.lock_scope, a.fence \
                FROM asked a JOIN operation_runs r ON r.id = a.id AND r.attempt = a.attempt \
                    AND r.lease_token = a.token AND r.status = 'running' \
                WHERE r.id = ANY ($1) FOR UPDATE OF r ",
            $held,
            "), \
            owned AS ( \
                SELECT h.id, f.tenant_id, f.scope \
                FROM held h JOIN tenant_fences f ON f.tenant_id = h.tenant_id \
                    AND f.scope = h.lock_scope AND f.fence = h.fence \
                FOR UPDATE OF f ",
            $held,
            "), \
            fenced AS ( \
                UPDATE tenant_fences f SET fence = f.fence + 1, token = NULL FROM owned o \
                WHERE f.tenant_id = o.tenant_id AND f.scope = o.scope RETURNING o.id), \
            changed AS ( \
                UPDATE operation_runs r SET status = 'completed', counts = a.counts, \
                    outcome = CASE WHEN r.cancel_requested_at IS NULL THEN a.outcome \
                        ELSE 'cancelled' END, \
                    error = CASE WHEN r.cancel_requested_at IS NULL THEN a.error END, \
                    progress = coalesce(a.progress, r.progress), \
                    completed_at = clock_timestamp(), updated_at = clock_timestamp(), \
                    event_seq = r.event_seq + 1, ",
            NO_LEASE,
            " FROM fenced JOIN asked a ON a.id = fenced.id WHERE r.id = fenced.id AND ",
            Transition::Finish.guard(),
            " RETURNING r.id, r.tenant_id, r.lock_scope, r.initiator_id, r.attempt, r.event_seq, \
                r.status, r.outcome, r.error, a.event, a.notice_id, a.title, a.body, a.cancelled_title, \
                a.cancelled_body, a.audit_id)",
            told!(
                "c.event",
                "c.notice_id",
                "c.title",
                "c.body",
                "c.cancelled_title",
                "c.cancelled_body",
                "c.audit_id",
                "'worker'"
            ),
            "SELECT c.id, c.outcome, (SELECT n.id FROM operation_runs n \
                    WHERE n.tenant_id = c.tenant_id AND n.lock_scope = c.lock_scope \
                        AND n.status = 'queued' AND n.not_before <= clock_timestamp() \
                    ORDER BY n.priority DESC, n.created_at LIMIT 1) AS next \
                FROM changed c"
        )
    };
}

const FINISH: &str = finish!("");
const FINISH_FREE: &str = finish!("SKIP LOCKED");

#[derive(QueryableByName)]
struct EndRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    next: Option<Uuid>,
}

/// The columns of what a statement is asked for.
#[derive(Default)]
struct Columns {
    run: Vec<Uuid>,
    attempt: Vec<i32>,
    token: Vec<Uuid>,
    fence: Vec<i64>,
    outcome: Vec<&'static str>,
    counts: Vec<Value>,
    error: Vec<Option<Value>>,
    progress: Vec<Option<Value>>,
    event: Vec<&'static str>,
    notice: Vec<Uuid>,
    title: Vec<String>,
    body: Vec<String>,
    cancelled_title: Vec<String>,
    cancelled_body: Vec<String>,
    audit: Vec<Uuid>,
}

impl Columns {
    fn add(
        &mut self,
        store: &Store,
        lease: &Lease,
        completion: &Completion,
        progress: Option<&Progress>,
    ) {
        let texts = Texts::of(lease.kind, completion);
        self.run.push(lease.run_id.into_uuid());
        self.attempt.push(lease.attempt);
        self.token.push(lease.token.into_uuid());
        self.fence.push(lease.fence);
        self.outcome.push(completion.outcome.as_str());
        self.counts.push(to_json(&completion.counts));
        self.error.push(completion.error.as_ref().map(to_json));
        self.progress.push(progress.map(to_json));
        self.event.push(match completion.outcome {
            Outcome::Cancelled => "cancelled",
            Outcome::Failed => "failed",
            Outcome::Succeeded | Outcome::PartiallySucceeded => "finished",
        });
        self.notice.push(store.mint());
        self.title.push(texts.failed.title);
        self.body.push(texts.failed.body);
        self.cancelled_title.push(texts.cancelled.title);
        self.cancelled_body.push(texts.cancelled.body);
        self.audit.push(store.mint());
    }
}

impl Store {
    /// Ends the run. Waits for whoever holds its rows.
    ///
    /// # Errors
    /// [`Unfinished`] with the claim, when the database did not answer.
    pub async fn finish(
        &self,
        claim: Claim,
        completion: &Completion,
        progress: Option<&Progress>,
    ) -> Result<Ended, Unfinished> {
        let result = self.finish_lease(&claim.lease, completion, progress).await;
        result.map_err(|source| Unfinished { claim, source })
    }

    /// Ends those of the runs that are still their owners' and whose rows nobody holds, all in one
    /// transaction, and says of each whether it ended. One that did not may be lost, or held for a
    /// moment: [`Store::finish`] tells.
    ///
    /// # Errors
    /// [`StoreError`]; whether the runs ended is not known then. Trying again is safe.
    pub async fn finish_free(&self, endings: &[Ending]) -> Result<Vec<Option<Ended>>, StoreError> {
        let mut columns = Columns::default();
        for ending in endings {
            let progress = ending.progress.as_ref();
            columns.add(self, &ending.lease, &ending.completion, progress);
        }
        let done: HashMap<Uuid, EndRow> = self
            .run_finish(FINISH_FREE, columns)
            .await?
            .into_iter()
            .map(|row| (row.id, row))
            .collect();
        Ok(endings
            .iter()
            .map(|ending| {
                let row = done.get(&ending.lease.run_id.into_uuid())?;
                Some(row.ended(&ending.completion))
            })
            .collect())
    }

    pub(super) async fn finish_lease(
        &self,
        lease: &Lease,
        completion: &Completion,
        progress: Option<&Progress>,
    ) -> Result<Ended, StoreError> {
        let mut columns = Columns::default();
        columns.add(self, lease, completion, progress);
        let rows = self.run_finish(FINISH, columns).await?;
        let row = rows.into_iter().next();
        Ok(row.map_or(Ended::Lost, |row| row.ended(completion)))
    }

    async fn run_finish(
        &self,
        statement: &'static str,
        columns: Columns,
    ) -> Result<Vec<EndRow>, StoreError> {
        let rows = prepared(
            sql_query(statement)
                .bind::<Array<SqlUuid>, _>(columns.run)
                .bind::<Array<Integer>, _>(columns.attempt)
                .bind::<Array<SqlUuid>, _>(columns.token)
                .bind::<Array<BigInt>, _>(columns.fence)
                .bind::<Array<Text>, _>(columns.outcome)
                .bind::<Array<Jsonb>, _>(columns.counts)
                .bind::<Array<Nullable<Jsonb>>, _>(columns.error)
                .bind::<Array<Nullable<Jsonb>>, _>(columns.progress)
                .bind::<Array<Text>, _>(columns.event)
                .bind::<Array<SqlUuid>, _>(columns.notice)
                .bind::<Array<Text>, _>(columns.title)
                .bind::<Array<Text>, _>(columns.body)
                .bind::<Array<Text>, _>(columns.cancelled_title)
                .bind::<Array<Text>, _>(columns.cancelled_body)
                .bind::<Array<SqlUuid>, _>(columns.audit),
        )
        .load(&mut self.connection().await?)
        .await?;
        Ok(rows)
    }
}

impl EndRow {
    fn ended(&self, completion: &Completion) -> Ended {
        let asked_to_stop = self.outcome == Outcome::Cancelled.as_str();
        if asked_to_stop && completion.outcome != Outcome::Cancelled {
            tracing::info!(run_id = %self.id, "the run was asked to stop and ends as cancelled");
        }
        Ended::Done {
            next: self.next.map(RunId::from_uuid),
        }
    }
}
