//! Results of a sync per policy type, as rows.

use atlas_domain::failure::Failure;
use atlas_domain::inventory::{TypeResult, TypeStatus};
use atlas_domain::policy_types::registry;
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Timestamptz};
use serde_json::Value;

use crate::error::StoreError;

/// Columns of [`ResultRow`] from a result `x`.
pub(crate) const RESULT_COLUMNS: &str = "x.policy_type, x.status, x.pages, x.seen, x.created, \
    x.changed, x.reassigned, x.missing, x.back, x.error, x.started_at, x.completed_at";

#[derive(QueryableByName)]
pub(crate) struct ResultRow {
    #[diesel(sql_type = Text)]
    policy_type: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Integer)]
    pages: i32,
    #[diesel(sql_type = BigInt)]
    seen: i64,
    #[diesel(sql_type = BigInt)]
    created: i64,
    #[diesel(sql_type = BigInt)]
    changed: i64,
    #[diesel(sql_type = BigInt)]
    reassigned: i64,
    #[diesel(sql_type = BigInt)]
    missing: i64,
    #[diesel(sql_type = BigInt)]
    back: i64,
    #[diesel(sql_type = Nullable<Jsonb>)]
    error: Option<Value>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    started_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    completed_at: Option<DateTime<Utc>>,
}

impl ResultRow {
    /// Types that this version does not know are left out.
    pub(crate) fn into_results(rows: Vec<Self>) -> Result<Vec<TypeResult>, StoreError> {
        rows.into_iter()
            .filter_map(|row| row.into_result().transpose())
            .collect()
    }

    fn into_result(self) -> Result<Option<TypeResult>, StoreError> {
        let Some(policy_type) = registry().find(&self.policy_type) else {
            return Ok(None);
        };
        let status = TypeStatus::ALL
            .into_iter()
            .find(|status| status.as_str() == self.status)
            .ok_or_else(|| StoreError::corrupt("result", "unknown status"))?;
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
            error,
            started_at: self.started_at,
            completed_at: self.completed_at,
        }))
    }
}
