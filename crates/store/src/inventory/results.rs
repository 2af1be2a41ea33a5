//! Results of a sync per policy type, as rows.

use atlas_domain::failure::Failure;
use atlas_domain::ids::RunId;
use atlas_domain::inventory::TypeResult;
use atlas_domain::policy_types::registry;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::error::StoreError;
use crate::schema::inventory_type_results;

#[derive(Queryable, Selectable)]
#[diesel(table_name = inventory_type_results, check_for_backend(diesel::pg::Pg))]
pub(crate) struct ResultRow {
    policy_type: String,
    status: String,
    pages: i32,
    seen: i64,
    created: i64,
    changed: i64,
    reassigned: i64,
    missing: i64,
    back: i64,
    values_read: i64,
    values_verified: i64,
    error: Option<Value>,
    started_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
}

/// The results of a run, in no order.
pub(crate) async fn of_run(
    connection: &mut AsyncPgConnection,
    run: RunId,
) -> QueryResult<Vec<ResultRow>> {
    inventory_type_results::table
        .filter(inventory_type_results::run_id.eq(run.into_uuid()))
        .select(ResultRow::as_select())
        .load(connection)
        .await
}

impl ResultRow {
    /// By key, whatever the collation of the database is: callers cut pages by comparing keys. Types
    /// that this version does not know are left out.
    pub(crate) fn into_results(rows: Vec<Self>) -> Result<Vec<TypeResult>, StoreError> {
        let results = rows.into_iter().map(Self::into_result);
        let mut results: Vec<_> = results
            .filter_map(Result::transpose)
            .collect::<Result<_, _>>()?;
        results.sort_unstable_by_key(|result| result.policy_type.as_str());
        Ok(results)
    }

    fn into_result(self) -> Result<Option<TypeResult>, StoreError> {
        let Some(policy_type) = registry().find(&self.policy_type) else {
            return Ok(None);
        };
        let status = self
            .status
            .parse()
            .map_err(|error| StoreError::corrupt("result", error))?;
        let error: Option<Failure> = self
            .error
            .map(serde_json::from_value)
            .transpose()
            .map_err(|error| StoreError::corrupt("failure", error))?;
        Ok(Some(TypeResult {
            policy_type,
            status,
            pages: self.pages.unsigned_abs(),
            seen: self.seen.unsigned_abs(),
            created: self.created.unsigned_abs(),
            changed: self.changed.unsigned_abs(),
            reassigned: self.reassigned.unsigned_abs(),
            missing: self.missing.unsigned_abs(),
            back: self.back.unsigned_abs(),
            values_read: self.values_read.unsigned_abs(),
            values_verified: self.values_verified.unsigned_abs(),
            error,
            started_at: self.started_at,
            completed_at: self.completed_at,
        }))
    }
}
