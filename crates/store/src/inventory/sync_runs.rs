//! What each inventory sync of a tenant was asked for and did.

use atlas_domain::ids::{RunId, TenantId, UserId};
use atlas_domain::inventory::TypeResult;
use atlas_domain::run::{Outcome, RunCounts, Status};
use chrono::{DateTime, Utc};
use const_format::concatcp;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::results::{RESULT_COLUMNS, ResultRow};
use crate::error::StoreError;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::prepared::prepared;

/// An inventory sync.
#[derive(Debug, Clone)]
pub struct SyncRunView {
    /// Its operation run.
    pub run_id: RunId,
    /// Who asked for it.
    pub initiator_id: UserId,
    /// That user's name.
    pub initiator_name: String,
    /// What it was asked to read, in normal form.
    pub selection: Value,
    /// Hash of the normal form.
    pub selection_hash: String,
    /// When a worker began it.
    pub created_at: DateTime<Utc>,
    /// Where it is.
    pub status: Status,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// What it did; zero until it ends.
    pub counts: RunCounts,
    /// Why it failed.
    pub error_code: Option<String>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    run_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    initiator_id: Uuid,
    #[diesel(sql_type = Text)]
    initiator_name: String,
    #[diesel(sql_type = Jsonb)]
    selection: Value,
    #[diesel(sql_type = Text)]
    selection_hash: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    outcome: Option<String>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    counts: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    error_code: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    completed_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "SELECT s.run_id, s.initiator_id, u.display_name AS initiator_name, \
        s.selection, s.selection_hash, s.created_at, r.status, r.outcome, r.counts, \
        r.error->>'code' AS error_code, r.completed_at \
    FROM inventory_sync_runs s JOIN operation_runs r ON r.id = s.run_id \
        JOIN users u ON u.id = s.initiator_id WHERE s.tenant_id = $1";

const LIST: &str = concatcp!(
    COLUMNS,
    " AND (s.created_at, s.run_id) < (coalesce($2, 'infinity'::timestamptz), \
        coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)) \
    ORDER BY s.created_at DESC, s.run_id DESC LIMIT $4"
);
const ONE: &str = concatcp!(COLUMNS, " AND s.run_id = $2");
const RESULTS: &str = concatcp!(
    "SELECT ",
    RESULT_COLUMNS,
    " FROM inventory_type_results x WHERE x.run_id = $1 ORDER BY x.policy_type"
);

impl Store {
    /// A tenant's syncs, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sync_runs(
        &self,
        tenant: TenantId,
        page: PageRequest<(DateTime<Utc>, RunId)>,
    ) -> Result<Vec<SyncRunView>, StoreError> {
        let (after_time, after_id) = page.after.unzip();
        let rows: Vec<Row> = prepared(
            sql_query(LIST)
                .bind::<SqlUuid, _>(tenant.into_uuid())
                .bind::<Nullable<Timestamptz>, _>(after_time)
                .bind::<Nullable<SqlUuid>, _>(after_id.map(RunId::into_uuid))
                .bind::<BigInt, _>(page.limit),
        )
        .load(&mut self.connection().await?)
        .await?;
        rows.into_iter().map(Row::into_view).collect()
    }

    /// One sync of a tenant with its results per policy type.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sync_run(
        &self,
        tenant: TenantId,
        run: RunId,
    ) -> Result<Option<(SyncRunView, Vec<TypeResult>)>, StoreError> {
        let mut connection = self.connection().await?;
        let row: Option<Row> = prepared(
            sql_query(ONE)
                .bind::<SqlUuid, _>(tenant.into_uuid())
                .bind::<SqlUuid, _>(run.into_uuid()),
        )
        .get_result(&mut connection)
        .await
        .optional()?;
        let Some(row) = row else { return Ok(None) };
        let results: Vec<ResultRow> =
            prepared(sql_query(RESULTS).bind::<SqlUuid, _>(run.into_uuid()))
                .load(&mut connection)
                .await?;
        Ok(Some((row.into_view()?, ResultRow::into_results(results)?)))
    }
}

impl Row {
    fn into_view(self) -> Result<SyncRunView, StoreError> {
        let status = Status::ALL
            .into_iter()
            .find(|status| status.as_str() == self.status)
            .ok_or_else(|| StoreError::corrupt("run", "unknown status"))?;
        let counts = self
            .counts
            .map(serde_json::from_value)
            .transpose()
            .map_err(|error| StoreError::corrupt("counts", error))?;
        Ok(SyncRunView {
            run_id: RunId::from_uuid(self.run_id),
            initiator_id: UserId::from_uuid(self.initiator_id),
            initiator_name: self.initiator_name,
            selection: self.selection,
            selection_hash: self.selection_hash,
            created_at: self.created_at,
            status,
            outcome: self
                .outcome
                .and_then(|word| Outcome::ALL.into_iter().find(|o| o.as_str() == word)),
            counts: counts.unwrap_or_default(),
            error_code: self.error_code,
            completed_at: self.completed_at,
        })
    }
}
