//! What each inventory sync of a tenant was asked for and did.

use std::collections::BTreeMap;

use atlas_domain::failure::Failure;
use atlas_domain::ids::{RunId, TenantId, UserId};
use atlas_domain::inventory::TypeResult;
use atlas_domain::inventory::actor::ActivityLog;
use atlas_domain::run::{InventoryCounts, Outcome, Status};
use chrono::{DateTime, Utc};
use diesel::dsl::auto_type;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::results::{self, ResultRow};
use crate::error::StoreError;
use crate::keyset::{Direction, beyond, ordered};
use crate::page::PageRequest;
use crate::pool::Store;
use crate::runs::RunView;
use crate::schema::{inventory_sync_runs, operation_runs, users};

/// An inventory sync.
#[derive(Debug, Clone)]
pub struct SyncRunView {
    /// Its operation run.
    pub run_id: RunId,
    /// Who asked for it.
    pub initiator_id: UserId,
    pub initiator_name: String,
    /// Hash of what it was asked to read, in normal form.
    pub selection_hash: String,
    /// When a worker began it.
    pub created_at: DateTime<Utc>,
    /// Where it is.
    pub status: Status,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// What it did; zero until it ends.
    pub counts: InventoryCounts,
    /// Why it failed.
    pub error_code: Option<String>,
    pub completed_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = inventory_sync_runs, check_for_backend(diesel::pg::Pg))]
struct Row {
    run_id: Uuid,
    initiator_id: Uuid,
    #[diesel(select_expression = users::display_name)]
    initiator_name: String,
    selection_hash: String,
    created_at: DateTime<Utc>,
    #[diesel(select_expression = operation_runs::status)]
    status: String,
    #[diesel(select_expression = operation_runs::outcome)]
    outcome: Option<String>,
    #[diesel(select_expression = operation_runs::counts)]
    counts: Option<Value>,
    #[diesel(select_expression = operation_runs::error)]
    error: Option<Value>,
    #[diesel(select_expression = operation_runs::completed_at)]
    completed_at: Option<DateTime<Utc>>,
}

/// The tenant's syncs with what belongs to them.
#[auto_type]
fn syncs(tenant: Uuid) -> _ {
    inventory_sync_runs::table
        .inner_join(operation_runs::table)
        .inner_join(users::table)
        .filter(inventory_sync_runs::tenant_id.eq(tenant))
}

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
        let key = (inventory_sync_runs::created_at, inventory_sync_runs::run_id);
        let direction = page.reads(Direction::Descending);
        let mut query = syncs(tenant.into_uuid())
            .select(Row::as_select())
            .into_boxed()
            .order(ordered(key, direction))
            .limit(page.limit);
        if let Some((time, id)) = page.key() {
            query = query.filter(beyond(key, (*time, id.into_uuid()), direction));
        }
        let rows = self
            .read(async |connection| query.load(connection).await)
            .await?;
        let rows = page.in_list_order(rows).into_iter();
        rows.map(Row::into_view).collect()
    }

    /// Why a run could not read audit logs, by the log. Empty for runs of other kinds, too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unread_logs<I>(
        &self,
        view: &RunView<I>,
    ) -> Result<BTreeMap<ActivityLog, Failure>, StoreError> {
        let query = inventory_sync_runs::table
            .find(view.run.id.into_uuid())
            .select(inventory_sync_runs::unread_logs);
        let logs: Option<Option<Value>> = self
            .read(async |connection| query.first(connection).await.optional())
            .await?;
        let logs = logs.flatten().map(serde_json::from_value).transpose();
        let logs = logs.map_err(|error| StoreError::corrupt("failure", error))?;
        Ok(logs.unwrap_or_default())
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
        let one = syncs(tenant.into_uuid())
            .filter(inventory_sync_runs::run_id.eq(run.into_uuid()))
            .select(Row::as_select());
        let found = self
            .read(async |connection| {
                let Some(row) = one.first(connection).await.optional()? else {
                    return Ok(None);
                };
                let results = results::of_run(connection, run).await?;
                Ok(Some((row, results)))
            })
            .await?;
        let views =
            |(row, results): (Row, _)| Ok((row.into_view()?, ResultRow::into_results(results)?));
        found.map(views).transpose()
    }
}

impl Row {
    fn into_view(self) -> Result<SyncRunView, StoreError> {
        let status = self
            .status
            .parse()
            .map_err(|error| StoreError::corrupt("run", error))?;
        let counts = self
            .counts
            .map(serde_json::from_value::<InventoryCounts>)
            .transpose()
            .map_err(|error| StoreError::corrupt("counts", error))?;
        Ok(SyncRunView {
            run_id: RunId::from_uuid(self.run_id),
            initiator_id: UserId::from_uuid(self.initiator_id),
            initiator_name: self.initiator_name,
            selection_hash: self.selection_hash,
            created_at: self.created_at,
            status,
            outcome: self.outcome.and_then(|word| word.parse().ok()),
            counts: counts.unwrap_or_default(),
            error_code: self.error.as_ref().and_then(code),
            completed_at: self.completed_at,
        })
    }
}

/// The code of a stored failure.
fn code(failure: &Value) -> Option<String> {
    failure.get("code")?.as_str().map(str::to_owned)
}
