//! Claiming due runs and renewing their leases.

use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::{DirectoryId, LeaseToken, RunId, TenantId, UserId};
use atlas_domain::run::lease::LeaseTerms;
use atlas_domain::run::{
    Claim, Completion, Lease, OperationKind, Progress, ProgressPhase, RunCounts, RunInputs,
    Transition,
};
use serde_json::Value;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::found::FoundRun;
use super::row::to_json;
use crate::error::StoreError;
use crate::migrations::schema_version;
use crate::pool::Store;
use crate::statement::{CountRow, Info, Statement, row, sql_text, statement};
#[cfg(test)]
use crate::statement::{FromRow as _, parameter};

/// How often a claim that lost a race for a tenant looks for another run before it reports none.
const RACES: usize = 4;

/// The answer to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heartbeat {
    /// The lease is renewed.
    Renewed {
        /// Somebody asked for the run to stop.
        cancel_requested: bool,
    },
    /// The run has another owner or has ended. Nothing may be written any more.
    Lost {
        /// Where it is.
        found: FoundRun,
    },
}

/// What a claim is given: see `sql/runs/claim.sql`. The file is one statement for each number of
/// runs.
#[derive(Debug)]
struct ClaimDue<'a> {
    worker: &'a str,
    tokens: Vec<Uuid>,
    lease_ms: i64,
    kinds: Vec<&'static str>,
    /// See `schema_compatibility`.
    program: &'static str,
}

macro_rules! claim {
    ($most:literal) => {
        sql_text!(
            "runs/claim",
            [],
            ["worker", "tokens", "lease_ms", "kinds", "program"],
            [
                ("source", Transition::Claim.source().as_str()),
                ("most", $most)
            ]
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

impl Statement for ClaimDue<'_> {
    const INFO: Info = Info {
        #[cfg(test)]
        file: "runs/claim",
        text: CLAIMS[0],
        #[cfg(test)]
        parameters: &[
            parameter!(worker: &str),
            parameter!(tokens: Vec<Uuid>),
            parameter!(lease_ms: i64),
            parameter!(kinds: Vec<&str>),
            parameter!(program: &str),
        ],
        #[cfg(test)]
        columns: ClaimRow::columns,
        #[cfg(test)]
        transitions: &[Transition::Claim],
    };
    type Row = ClaimRow;

    fn text(&self) -> &'static str {
        CLAIMS[self.tokens.len() - 1]
    }

    fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![
            &self.worker,
            &self.tokens,
            &self.lease_ms,
            &self.kinds,
            &self.program,
        ]
    }
}

row! {
    struct ClaimRow {
        id: Uuid,
        tenant_id: Uuid,
        kind: String,
        inputs: Value,
        verify: Option<String>,
        initiator_id: Uuid,
        attempt: i32,
        failures: i32,
        max_failures: i32,
        lease_token: Uuid,
        fence: i64,
        directory_id: Uuid,
    }
}

statement! {
    struct RenewLease {
        run: Uuid,
        attempt: i32,
        token: Uuid,
        lease_ms: i64,
        progress: Option<Value>,
    }
    file: "runs/heartbeat",
    row: RenewedRow,
    transitions: [Heartbeat],
    constants: [first = ProgressPhase::Planning.as_str()],
}

row! {
    struct RenewedRow {
        cancel_requested: bool,
    }
}

statement! {
    struct CountDue {}
    file: "runs/count_due",
    row: CountRow,
}

impl Store {
    /// Claims the run that is due next, when there is one whose tenant is not busy.
    ///
    /// # Errors
    /// [`StoreError`]; no run was taken then, or its lease runs out.
    pub async fn claim_next(&self, terms: &LeaseTerms) -> Result<Option<Claim>, StoreError> {
        Ok(self.claim_due(terms, 1).await?.pop())
    }

    /// Claims up to `most` runs that are due next and whose tenants are not busy, each of another
    /// tenant. A run whose inputs this version cannot read is ended as failed. A run of a kind that
    /// it does not know stays queued for a version that does. A version that is too old for the
    /// schema claims nothing.
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
                Err(error) if error.is_duplicate() => {
                    races += 1;
                    if races > RACES {
                        break;
                    }
                }
                // What was taken before is to be worked on.
                Err(error) if !claims.is_empty() => {
                    tracing::warn!(error = %Causes(&error), "fewer runs were claimed than wanted");
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(claims)
    }

    /// Claims up to `most` runs, which is at least one, or as many as one statement claims.
    async fn claim_once(
        &self,
        terms: &LeaseTerms,
        most: usize,
    ) -> Result<Vec<ClaimRow>, StoreError> {
        let most = most.min(CLAIMS.len());
        self.fetch_all(&ClaimDue {
            worker: terms.worker_id.as_str(),
            tokens: (0..most).map(|_| self.mint()).collect(),
            lease_ms: milliseconds(terms.duration),
            kinds: OperationKind::WORDS.to_vec(),
            program: schema_version(),
        })
        .await
    }

    /// A run that cannot be ended now is reclaimed when its lease runs out, and claimed again.
    async fn refuse_unreadable(&self, lease: &Lease, error: &StoreError) {
        tracing::error!(run_id = %lease.run_id, error = %Causes(&error), "a queued run is not readable");
        let failure = Failure::permanent(
            FailureCode::INTERNAL,
            "The run was recorded by a version with other policy types.",
        )
        .with_hint("Start it again.");
        let completion = Completion::failed(failure, RunCounts::none(lease.kind));
        if let Err(error) = self.finish_lease(lease, &completion, None).await {
            tracing::error!(run_id = %lease.run_id, error = %Causes(&error), "and could not be ended");
        }
    }

    /// Renews the lease, writes progress when there is some, and an event when that is in another phase,
    /// and returns whether somebody asked to cancel the run.
    ///
    /// # Errors
    /// [`StoreError`]; the lease may then still be the caller's, until it runs out.
    pub async fn heartbeat(
        &self,
        lease: &Lease,
        duration: Duration,
        progress: Option<&Progress>,
    ) -> Result<Heartbeat, StoreError> {
        let row = self
            .fetch_optional(&RenewLease {
                run: lease.run_id.into_uuid(),
                attempt: lease.attempt,
                token: lease.token.into_uuid(),
                lease_ms: milliseconds(duration),
                progress: progress.map(to_json),
            })
            .await?;
        match row {
            Some(row) => Ok(Heartbeat::Renewed {
                cancel_requested: row.cancel_requested,
            }),
            None => Ok(Heartbeat::Lost {
                found: self.find_state(lease.run_id).await?,
            }),
        }
    }

    /// How many queued runs are due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_count(&self) -> Result<i64, StoreError> {
        Ok(self.fetch_one(&CountDue {}).await?.count)
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
                RunInputs::from_stored(kind, &self.inputs, self.verify.as_deref())
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

/// A time span as statements take it.
pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    ClaimDue::INFO,
    <RenewLease as Statement>::INFO,
    <CountDue as Statement>::INFO,
];

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
                .replace("$3", "1000")
                .replace("$4", "(ARRAY['inventory_sync'])")
                .replace("$5", "'29990101000000'");
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
