//! Taking a due run, and keeping it.

use std::time::Duration;

use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::{DirectoryId, LeaseToken, RunId, TenantId, UserId};
use atlas_domain::run::lease::LeaseTerms;
use atlas_domain::run::{
    Claim, Completion, Lease, OperationKind, Progress, RunCounts, RunInputs, Transition,
};
use const_format::concatcp;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::row::to_json;
use crate::error::StoreError;
use crate::pool::Store;
use crate::statement::prepared;

/// How often a claim that lost a race for a tenant looks for another run before it reports none.
const RACES: usize = 4;

/// What a heartbeat learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heartbeat {
    /// The lease is renewed.
    Renewed {
        /// Somebody asked for the run to stop.
        cancel_requested: bool,
    },
    /// The run is somebody else's, or has ended. Nothing may be written any more.
    Lost,
}

/// Takes due runs, one for each token, of tenants that are not busy, in the order of the index over
/// queued runs: priority, the tenant served least recently, age. Kinds that are paused and rows
/// that another claim holds are skipped. The fences are raised in the same statement, and the other
/// queued runs of those tenants go behind those of other tenants; one that somebody else holds
/// keeps its place, because waiting for it could wait for whoever waits for this claim.
///
/// The two conditions are written as subqueries that cannot become joins: the planner then walks
/// the index from its beginning instead of joining and sorting all that is queued. The limit is a
/// literal for the same reason: of any other the planner believes that it is a tenth of the table.
///
/// $1 worker, $2 tokens, $3 lease in milliseconds.
macro_rules! claim {
    ($most:literal) => {
        concatcp!(
            "WITH due AS ( \
                SELECT r.id, r.tenant_id, r.lock_scope, r.priority, r.served_at, r.created_at \
                FROM operation_runs r \
                WHERE ",
            Transition::Claim.guard(),
            " AND r.not_before <= clock_timestamp() AND r.cancel_requested_at IS NULL \
                    AND (SELECT true FROM queue_controls q WHERE q.kind = r.kind) IS NOT TRUE \
                    AND (SELECT true FROM operation_runs o WHERE o.tenant_id = r.tenant_id \
                        AND o.lock_scope = r.lock_scope AND o.status = 'running') IS NOT TRUE \
                ORDER BY r.priority DESC, r.served_at, r.created_at, r.id \
                LIMIT ",
            $most,
            " FOR UPDATE OF r SKIP LOCKED), \
            one_of_each AS ( \
                SELECT DISTINCT ON (tenant_id, lock_scope) id FROM due \
                ORDER BY tenant_id, lock_scope, priority DESC, served_at, created_at, id), \
            chosen AS (SELECT id, row_number() OVER () AS place FROM one_of_each), \
            claimed AS ( \
                UPDATE operation_runs r SET status = 'running', attempt = r.attempt + 1, \
                    worker_id = $1, lease_token = $2[chosen.place], \
                    heartbeat_at = clock_timestamp(), \
                    lease_expires_at = clock_timestamp() + $3 * interval '1 millisecond', \
                    started_at = coalesce(r.started_at, clock_timestamp()), wait_reason = NULL, \
                    progress = NULL, error = NULL, served_at = clock_timestamp(), \
                    updated_at = clock_timestamp(), event_seq = r.event_seq + 1 \
                FROM chosen WHERE r.id = chosen.id AND ",
            Transition::Claim.guard(),
            " RETURNING r.*), \
            behind AS ( \
                UPDATE operation_runs r SET served_at = waiting.served_at \
                FROM (SELECT o.id, c.served_at FROM claimed c JOIN operation_runs o \
                        ON o.tenant_id = c.tenant_id AND o.lock_scope = c.lock_scope \
                        AND o.status = 'queued' AND o.id <> c.id \
                    FOR UPDATE OF o SKIP LOCKED) waiting \
                WHERE r.id = waiting.id AND r.status = 'queued'), \
            fenced AS ( \
                INSERT INTO tenant_fences AS f (tenant_id, scope, fence, token, served_at) \
                SELECT tenant_id, lock_scope, 1, lease_token, served_at FROM claimed \
                ON CONFLICT (tenant_id, scope) DO UPDATE SET fence = f.fence + 1, \
                    token = EXCLUDED.token, served_at = EXCLUDED.served_at \
                RETURNING f.tenant_id, f.scope, f.fence), \
            event AS ( \
                INSERT INTO operation_run_events (run_id, seq, attempt, event, detail) \
                SELECT id, event_seq, attempt, 'claimed', \
                    jsonb_build_object('worker_id', worker_id) \
                FROM claimed) \
            SELECT c.id, c.tenant_id, c.kind, c.inputs, c.initiator_id, c.attempt, c.failures, \
                c.max_failures, c.lease_token, f.fence, t.directory_id \
            FROM claimed c JOIN fenced f ON f.tenant_id = c.tenant_id AND f.scope = c.lock_scope \
                JOIN tenants t ON t.id = c.tenant_id"
        )
    };
}

/// The statements for one run, for two, and so on.
const CLAIMS: [&str; 8] = [
    claim!("1"),
    claim!("2"),
    claim!("3"),
    claim!("4"),
    claim!("5"),
    claim!("6"),
    claim!("7"),
    claim!("8"),
];

/// $1 run, $2 attempt, $3 token, $4 lease in milliseconds, $5 progress.
const HEARTBEAT: &str = concatcp!(
    "UPDATE operation_runs r SET heartbeat_at = clock_timestamp(), \
        lease_expires_at = clock_timestamp() + $4 * interval '1 millisecond', \
        progress = coalesce($5, r.progress), updated_at = clock_timestamp() \
    WHERE r.id = $1 AND r.attempt = $2 AND r.lease_token = $3 AND ",
    Transition::Heartbeat.guard(),
    " RETURNING (r.cancel_requested_at IS NOT NULL) AS cancel_requested"
);

const DUE_COUNT: &str = "SELECT count(*) AS count FROM operation_runs r \
    WHERE r.status = 'queued' AND r.not_before <= clock_timestamp()";

#[derive(QueryableByName)]
struct ClaimRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Jsonb)]
    inputs: Value,
    #[diesel(sql_type = SqlUuid)]
    initiator_id: Uuid,
    #[diesel(sql_type = Integer)]
    attempt: i32,
    #[diesel(sql_type = Integer)]
    failures: i32,
    #[diesel(sql_type = Integer)]
    max_failures: i32,
    #[diesel(sql_type = SqlUuid)]
    lease_token: Uuid,
    #[diesel(sql_type = BigInt)]
    fence: i64,
    #[diesel(sql_type = SqlUuid)]
    directory_id: Uuid,
}

#[derive(QueryableByName)]
struct CancelRow {
    #[diesel(sql_type = Bool)]
    cancel_requested: bool,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Store {
    /// Takes the run that is due next, when there is one whose tenant is not busy.
    ///
    /// # Errors
    /// [`StoreError`]; no run was taken then, or its lease runs out.
    pub async fn claim_next(&self, terms: &LeaseTerms) -> Result<Option<Claim>, StoreError> {
        Ok(self.claim_due(terms, 1).await?.pop())
    }

    /// Takes up to `most` runs that are due next and whose tenants are not busy, each of another
    /// tenant. A run whose inputs this version cannot read is ended as failed.
    ///
    /// # Errors
    /// [`StoreError`]; no run was taken then, or its lease runs out.
    pub async fn claim_due(
        &self,
        terms: &LeaseTerms,
        most: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        let mut claims = Vec::new();
        let mut races = 0;
        while claims.len() < most {
            // A lost race undoes the whole statement, so that the next one takes one run only.
            let wanted = if races == 0 { most - claims.len() } else { 1 };
            match self.claim_once(terms, wanted).await {
                Ok(rows) if rows.is_empty() => break,
                Ok(rows) => {
                    for row in rows {
                        match row.into_claim() {
                            Ok(claim) => claims.push(claim),
                            Err((lease, error)) => self.refuse_unreadable(&lease, &error).await,
                        }
                    }
                }
                // Another worker took a run of the same tenant in the same moment.
                Err(error) if lost_a_race(&error) => {
                    races += 1;
                    if races > RACES {
                        break;
                    }
                }
                // What was taken before is to be worked on.
                Err(error) if !claims.is_empty() => {
                    tracing::warn!(%error, "fewer runs were claimed than wanted");
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(claims)
    }

    /// Takes up to `most` runs, which is at least one, or as many as one statement takes.
    async fn claim_once(
        &self,
        terms: &LeaseTerms,
        most: usize,
    ) -> Result<Vec<ClaimRow>, StoreError> {
        let most = most.min(CLAIMS.len());
        let tokens: Vec<Uuid> = (0..most).map(|_| self.mint()).collect();
        let rows = prepared(
            sql_query(CLAIMS[most - 1])
                .bind::<Text, _>(terms.worker_id.as_str())
                .bind::<Array<SqlUuid>, _>(tokens)
                .bind::<BigInt, _>(milliseconds(terms.duration)),
        )
        .load(&mut self.connection().await?)
        .await?;
        Ok(rows)
    }

    /// One that cannot be ended now is taken back when its lease runs out, and claimed again.
    async fn refuse_unreadable(&self, lease: &Lease, error: &StoreError) {
        tracing::error!(run_id = %lease.run_id, %error, "a queued run is not readable");
        let failure = Failure::permanent(
            FailureCode::INTERNAL,
            "The run was recorded by a version with other policy types.",
        )
        .with_hint("Start it again.");
        let completion = Completion::failed(failure, RunCounts::default());
        if let Err(error) = self.finish_lease(lease, &completion, None).await {
            tracing::error!(run_id = %lease.run_id, %error, "and could not be ended");
        }
    }

    /// Renews the lease, writes progress when there is some, and learns of a request to cancel.
    ///
    /// # Errors
    /// [`StoreError`]; the lease may then still be the caller's, until it runs out.
    pub async fn heartbeat(
        &self,
        lease: &Lease,
        duration: Duration,
        progress: Option<&Progress>,
    ) -> Result<Heartbeat, StoreError> {
        let row: Option<CancelRow> = prepared(
            sql_query(HEARTBEAT)
                .bind::<SqlUuid, _>(lease.run_id.into_uuid())
                .bind::<Integer, _>(lease.attempt)
                .bind::<SqlUuid, _>(lease.token.into_uuid())
                .bind::<BigInt, _>(milliseconds(duration))
                .bind::<Nullable<Jsonb>, _>(progress.map(to_json)),
        )
        .get_result(&mut self.connection().await?)
        .await
        .optional()?;
        Ok(row.map_or(Heartbeat::Lost, |row| Heartbeat::Renewed {
            cancel_requested: row.cancel_requested,
        }))
    }

    /// How many queued runs are due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_count(&self) -> Result<i64, StoreError> {
        let row: CountRow = prepared(sql_query(DUE_COUNT))
            .get_result(&mut self.connection().await?)
            .await?;
        Ok(row.count)
    }
}

impl ClaimRow {
    fn into_claim(self) -> Result<Claim, (Lease, StoreError)> {
        let kind = self.kind.parse::<OperationKind>();
        let lease = Lease {
            run_id: RunId::from_uuid(self.id),
            tenant_id: TenantId::from_uuid(self.tenant_id),
            kind: *kind.as_ref().unwrap_or(&OperationKind::InventorySync),
            token: LeaseToken::from_uuid(self.lease_token),
            attempt: self.attempt,
            fence: self.fence,
        };
        let inputs = kind
            .map_err(|error| StoreError::corrupt("kind", error))
            .and_then(|kind| {
                RunInputs::from_stored(kind, &self.inputs)
                    .map_err(|error| StoreError::corrupt("selection", error))
            });
        match inputs {
            Err(error) => Err((lease, error)),
            Ok(inputs) => Ok(Claim {
                lease,
                inputs,
                initiator_id: UserId::from_uuid(self.initiator_id),
                directory_id: DirectoryId::from_uuid(self.directory_id),
                failures: self.failures,
                max_failures: self.max_failures,
            }),
        }
    }
}

fn lost_a_race(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unexpected(DieselError::DatabaseError(
            DatabaseErrorKind::UniqueViolation,
            _
        ))
    )
}

pub(super) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use atlas_test_support::TestDatabase;

    use super::CLAIMS;

    /// With many queued runs, and statistics that say how many, the index gives the next one, and
    /// nothing is read whole or sorted.
    #[tokio::test]
    async fn a_claim_takes_the_first_entry_of_the_index_of_due_runs() {
        let database = TestDatabase::create().await;
        let connection = database.connection().await;
        let seed = "INSERT INTO users (id, email, display_name) \
                VALUES ('00000000-0000-4000-8000-000000000001', 'a@b', 'A'); \
            INSERT INTO tenants (id, name, directory_id) \
                SELECT md5('t' || n)::uuid, 't' || n, md5('d' || n)::uuid \
                FROM generate_series(1, 2000) n; \
            INSERT INTO operation_runs (id, tenant_id, kind, identity, lock_scope, inputs, \
                initiator_id, status, outcome, completed_at) \
            SELECT gen_random_uuid(), md5('t' || (n % 2000 + 1))::uuid, 'inventory_sync', \
                n::text, 'inventory', '{}', '00000000-0000-4000-8000-000000000001', \
                CASE WHEN n % 2 = 0 THEN 'queued' ELSE 'completed' END, \
                CASE WHEN n % 2 = 0 THEN NULL ELSE 'succeeded' END, \
                CASE WHEN n % 2 = 0 THEN NULL ELSE now() END \
            FROM generate_series(1, 20000) n; \
            INSERT INTO queue_controls (kind, paused_by) VALUES ('another', 'nobody'); \
            ANALYZE";
        connection.batch_execute(seed).await.unwrap();
        for claim in CLAIMS {
            let claim = claim
                .replace("$1", "'w'")
                .replace("$2", "(ARRAY[gen_random_uuid()])")
                .replace("$3", "1000");
            let rows = connection
                .simple_query(&format!("EXPLAIN {claim}"))
                .await
                .unwrap();
            let plan: String = rows
                .iter()
                .filter_map(|message| match message {
                    tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                    _ => None,
                })
                .map(|line| format!("{line}\n"))
                .collect();
            assert!(plan.contains("operation_runs_due"), "{plan}");
            for whole in ["Seq Scan on operation_runs", "Sort Key: r."] {
                assert!(!plan.contains(whole), "{plan}");
            }
        }
    }
}
