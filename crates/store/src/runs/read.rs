//! Runs as screens see them: only those of tenants that the user belongs to.

use atlas_domain::access::Role;
use atlas_domain::ids::{RunId, TenantId, UserId};
use atlas_domain::inventory::TypeResult;
use atlas_domain::run::{OperationKind, OperationRun, Outcome, Status};
use chrono::{DateTime, Utc};
use const_format::concatcp;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::row::{COLUMNS, RunRow};
use crate::access::parse_role;
use crate::error::StoreError;
use crate::inventory::results::{RESULT_COLUMNS, ResultRow};
use crate::page::PageRequest;
use crate::pool::Store;
use crate::prepared::prepared;

/// A run, and what its reader is in its tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenRun {
    /// The run.
    pub run: OperationRun,
    /// The reader's role, which says what the reader may do with the run.
    pub role: Role,
}

/// Which runs to list; an empty filter is none.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Of these tenants.
    pub tenant: Vec<TenantId>,
    /// Of these kinds.
    pub kind: Vec<OperationKind>,
    /// With these statuses.
    pub status: Vec<Status>,
    /// With these outcomes.
    pub outcome: Vec<Outcome>,
    /// Asked for by this user.
    pub initiator: Option<UserId>,
    /// Recorded later than this.
    pub created_after: Option<DateTime<Utc>>,
    /// Recorded earlier than this.
    pub created_before: Option<DateTime<Utc>>,
    /// These runs.
    pub ids: Vec<RunId>,
}

const ONE: &str = concatcp!(
    "SELECT ",
    COLUMNS,
    ", m.role FROM operation_runs r JOIN memberships m ON m.tenant_id = r.tenant_id AND m.user_id = $1 \
      JOIN tenants t ON t.id = r.tenant_id JOIN users u ON u.id = r.initiator_id WHERE r.id = $2"
);

/// For each tenant of the user the newest rows from its index, then the newest of those: the cost
/// is bounded by tenants times page, however many runs there are.
const LIST: &str = concatcp!(
    "SELECT ",
    COLUMNS,
    ", m.role FROM memberships m CROSS JOIN LATERAL ( \
        SELECT * FROM operation_runs i WHERE i.tenant_id = m.tenant_id \
            AND (i.created_at, i.id) < (coalesce($2, 'infinity'::timestamptz), \
                coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)) \
            AND (cardinality($5) = 0 OR i.kind = ANY($5)) \
            AND (cardinality($6) = 0 OR i.status = ANY($6)) \
            AND (cardinality($7) = 0 OR i.outcome = ANY($7)) \
            AND ($8 IS NULL OR i.initiator_id = $8) \
            AND ($9 IS NULL OR i.created_at > $9) AND ($10 IS NULL OR i.created_at < $10) \
            AND (cardinality($11) = 0 OR i.id = ANY($11)) \
        ORDER BY i.created_at DESC, i.id DESC LIMIT $12) r \
      JOIN tenants t ON t.id = r.tenant_id JOIN users u ON u.id = r.initiator_id \
      WHERE m.user_id = $1 AND (cardinality($4) = 0 OR m.tenant_id = ANY($4)) \
      ORDER BY r.created_at DESC, r.id DESC LIMIT $12"
);

/// Active runs, and those that ended within a minute: a widget shows the end of what it watched.
const ACTIVE: &str = concatcp!(
    "SELECT ",
    COLUMNS,
    ", m.role FROM memberships m CROSS JOIN LATERAL ( \
        (SELECT * FROM operation_runs i WHERE i.tenant_id = m.tenant_id \
            AND i.status IN ('queued', 'running')) \
        UNION ALL \
        (SELECT * FROM (SELECT * FROM operation_runs i WHERE i.tenant_id = m.tenant_id \
            ORDER BY i.created_at DESC, i.id DESC LIMIT 20) newest \
            WHERE newest.completed_at > clock_timestamp() - interval '60 seconds')) r \
      JOIN tenants t ON t.id = r.tenant_id JOIN users u ON u.id = r.initiator_id \
      WHERE m.user_id = $1 ORDER BY r.created_at DESC, r.id DESC LIMIT $2"
);

#[derive(QueryableByName)]
struct SeenRow {
    #[diesel(embed)]
    run: RunRow,
    #[diesel(sql_type = Text)]
    role: String,
}

impl SeenRow {
    fn into_seen(self) -> Result<SeenRun, StoreError> {
        Ok(SeenRun {
            role: parse_role(&self.role)?,
            run: self.run.into_run()?,
        })
    }
}

const VISIBLE: &str = "SELECT EXISTS (SELECT 1 FROM operation_runs r JOIN memberships m \
    ON m.tenant_id = r.tenant_id AND m.user_id = $1 WHERE r.id = $2) AS visible";

const RESULTS: &str = concatcp!(
    "SELECT ",
    RESULT_COLUMNS,
    " FROM inventory_type_results x WHERE x.run_id = $1 ORDER BY x.policy_type"
);

#[derive(QueryableByName)]
struct VisibleRow {
    #[diesel(sql_type = Bool)]
    visible: bool,
}

impl Store {
    /// One run.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run(&self, user: UserId, run: RunId) -> Result<Option<OperationRun>, StoreError> {
        let seen = self.seen_run(user, run).await?;
        Ok(seen.map(|seen| seen.run))
    }

    /// One run, with what its reader is in its tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn seen_run(&self, user: UserId, run: RunId) -> Result<Option<SeenRun>, StoreError> {
        let row: Option<SeenRow> = prepared(
            sql_query(ONE)
                .bind::<SqlUuid, _>(user.into_uuid())
                .bind::<SqlUuid, _>(run.into_uuid()),
        )
        .get_result(&mut self.connection().await?)
        .await
        .optional()?;
        row.map(SeenRow::into_seen).transpose()
    }

    /// Runs, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn runs(
        &self,
        user: UserId,
        filter: &RunFilter,
        page: PageRequest<(DateTime<Utc>, RunId)>,
    ) -> Result<Vec<SeenRun>, StoreError> {
        let (after_time, after_id) = page.after.unzip();
        let tenants: Vec<Uuid> = filter.tenant.iter().map(|id| id.into_uuid()).collect();
        let kinds: Vec<&str> = filter.kind.iter().map(|kind| kind.as_str()).collect();
        let statuses: Vec<&str> = filter.status.iter().map(|status| status.as_str()).collect();
        let outcomes: Vec<&str> = filter
            .outcome
            .iter()
            .map(|outcome| outcome.as_str())
            .collect();
        let ids: Vec<Uuid> = filter.ids.iter().map(|id| id.into_uuid()).collect();
        let rows: Vec<SeenRow> = prepared(
            sql_query(LIST)
                .bind::<SqlUuid, _>(user.into_uuid())
                .bind::<Nullable<Timestamptz>, _>(after_time)
                .bind::<Nullable<SqlUuid>, _>(after_id.map(RunId::into_uuid))
                .bind::<Array<SqlUuid>, _>(tenants)
                .bind::<Array<Text>, _>(kinds)
                .bind::<Array<Text>, _>(statuses)
                .bind::<Array<Text>, _>(outcomes)
                .bind::<Nullable<SqlUuid>, _>(filter.initiator.map(UserId::into_uuid))
                .bind::<Nullable<Timestamptz>, _>(filter.created_after)
                .bind::<Nullable<Timestamptz>, _>(filter.created_before)
                .bind::<Array<SqlUuid>, _>(ids)
                .bind::<BigInt, _>(page.limit),
        )
        .load(&mut self.connection().await?)
        .await?;
        rows.into_iter().map(SeenRow::into_seen).collect()
    }

    /// Active runs and those that ended within the last minute, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn active_runs(&self, user: UserId, limit: i64) -> Result<Vec<SeenRun>, StoreError> {
        let rows: Vec<SeenRow> = prepared(
            sql_query(ACTIVE)
                .bind::<SqlUuid, _>(user.into_uuid())
                .bind::<BigInt, _>(limit),
        )
        .load(&mut self.connection().await?)
        .await?;
        rows.into_iter().map(SeenRow::into_seen).collect()
    }

    /// The results of a run per policy type, by key; `None` when the user cannot see the run. Types
    /// that this version does not know are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run_results(
        &self,
        user: UserId,
        run: RunId,
    ) -> Result<Option<Vec<TypeResult>>, StoreError> {
        let mut connection = self.connection().await?;
        let visible: VisibleRow = prepared(
            sql_query(VISIBLE)
                .bind::<SqlUuid, _>(user.into_uuid())
                .bind::<SqlUuid, _>(run.into_uuid()),
        )
        .get_result(&mut connection)
        .await?;
        if !visible.visible {
            return Ok(None);
        }
        let rows: Vec<ResultRow> = prepared(sql_query(RESULTS).bind::<SqlUuid, _>(run.into_uuid()))
            .load(&mut connection)
            .await?;
        ResultRow::into_results(rows).map(Some)
    }
}
