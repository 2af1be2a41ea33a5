//! What a sync writes. Each call is one statement in a transaction of its own, and writes only
//! while the caller's fence is the tenant's: a worker that was replaced changes nothing.
//!
//! | module | subject |
//! | --- | --- |
//! | `begin` | recording what is going to be read |
//! | `page` | storing what was seen on a page |
//! | `differing` | the statement for what is new or differs: content, changes and links with it |
//! | `stored_json` | JSON on its way into the database |
//! | `left_out` | what lists hold that is no item |
//! | `missing` | marking what is no longer there |
//! | `dangling` | finding links whose target is not there |

mod begin;
mod dangling;
mod differing;
mod left_out;
mod missing;
mod page;
mod stored_json;

use std::collections::BTreeMap;
use std::ops::AddAssign;

use atlas_domain::inventory::TypeResult;
use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::Lease;
use const_format::concatcp;
use diesel::sql_types::{
    Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;

use crate::error::StoreError;
use crate::pool::Store;
use crate::prepared::prepared;
use crate::runs::to_json;

pub use begin::Beginning;

/// Rows per statement: keeps each transaction far below a second, and what each connection keeps as
/// its buffers below a megabyte.
const BATCH: usize = 200;

/// A write was not done.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The run is not the caller's any more. It must stop.
    #[error("the run has another owner or has ended")]
    Lost,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What storing one page did, per policy type.
pub type PageEffect = BTreeMap<PolicyTypeKey, TypeEffect>;

/// What storing one page did, and what of it could not be stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageStored {
    /// What was stored.
    pub effect: PageEffect,
    /// Rows that the database refused, in the order of their keys. They stand as they stood before,
    /// and are not seen.
    pub refused: Vec<RefusedRow>,
}

/// A row that the database refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefusedRow {
    /// Its policy type.
    pub policy_type: PolicyTypeKey,
    /// Its id.
    pub external_id: String,
}

/// What storing did for one policy type. Each number but `seen` is that of the changes recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TypeEffect {
    /// Objects stored.
    pub seen: u64,
    /// Of these: not there before.
    pub created: u64,
    /// Of these: there or missing before, with other content.
    pub changed: u64,
    /// Of these: there or missing before, with other assignments.
    pub reassigned: u64,
    /// Of these: missing before.
    pub back: u64,
}

impl AddAssign for TypeEffect {
    fn add_assign(&mut self, other: Self) {
        self.seen += other.seen;
        self.created += other.created;
        self.changed += other.changed;
        self.reassigned += other.reassigned;
        self.back += other.back;
    }
}

/// `FOR SHARE` makes the check and the write one: whoever takes the run over updates this row, and
/// so waits for our commit or comes first. $1 tenant, $2 scope, $3 fence, $4 token.
pub(crate) const GUARD: &str = "WITH guard AS ( \
    SELECT 1 AS held FROM tenant_fences f \
    WHERE f.tenant_id = $1 AND f.scope = $2 AND f.fence = $3 AND f.token = $4 FOR SHARE)";

/// Ends a guarded statement that tells nothing else: whether the guard held.
pub(crate) const HELD: &str = " SELECT EXISTS (SELECT 1 FROM guard) AS held";

/// $5 run, $6 policy type, $7 to $12 the result without the numbers of changes, which stand already.
const RECORD: &str = concatcp!(
    GUARD,
    ", recorded AS ( \
        UPDATE inventory_type_results x SET status = $7, pages = $8, seen = $9, error = $10, \
            started_at = $11, completed_at = $12 \
        FROM guard WHERE x.run_id = $5 AND x.policy_type = $6 \
        RETURNING x.created, x.changed, x.reassigned, x.missing, x.back) \
    SELECT coalesce(x.created, 0) AS created, coalesce(x.changed, 0) AS changed, \
        coalesce(x.reassigned, 0) AS reassigned, coalesce(x.missing, 0) AS missing, \
        coalesce(x.back, 0) AS back \
    FROM guard LEFT JOIN recorded x ON true"
);

/// $5 run, $6 policy types.
const READ_TO_END: &str = concatcp!(
    GUARD,
    ", known AS ( \
        INSERT INTO inventory_type_summaries AS s \
            (tenant_id, policy_type, present, missing, data_as_of, last_run) \
        SELECT $1, k, 0, 0, clock_timestamp(), $5 FROM guard CROSS JOIN unnest($6) k ORDER BY k \
        ON CONFLICT (tenant_id, policy_type) DO UPDATE SET data_as_of = EXCLUDED.data_as_of, \
            last_run = EXCLUDED.last_run)",
    HELD
);

/// Begins a statement with the four values of [`GUARD`].
macro_rules! guarded {
    ($statement:expr, $lease:expr) => {
        sql_query($statement)
            .bind::<SqlUuid, _>($lease.tenant_id.into_uuid())
            .bind::<Text, _>($lease.kind.lock_scope())
            .bind::<BigInt, _>($lease.fence)
            .bind::<SqlUuid, _>($lease.token.into_uuid())
    };
}
pub(crate) use guarded;

#[derive(QueryableByName)]
pub(crate) struct HeldRow {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    held: bool,
}

impl HeldRow {
    /// Whether the guard held; the statement wrote exactly then.
    pub(crate) const fn check(&self) -> Result<(), WriteError> {
        if self.held {
            Ok(())
        } else {
            Err(WriteError::Lost)
        }
    }
}

#[derive(QueryableByName)]
struct RecordedRow {
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
}

impl Store {
    /// Records how reading one policy type went, and gives the result as it stands now: with the
    /// numbers of changes that pages and marks of all attempts of this run have recorded. Those of
    /// `result` are not looked at.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn record_result(
        &self,
        lease: &Lease,
        result: &TypeResult,
    ) -> Result<TypeResult, WriteError> {
        let rows: Vec<RecordedRow> = prepared(
            guarded!(RECORD, lease)
                .bind::<SqlUuid, _>(lease.run_id.into_uuid())
                .bind::<Text, _>(result.policy_type.as_str())
                .bind::<Text, _>(result.status.as_str())
                .bind::<Integer, _>(i32::try_from(result.pages).unwrap_or(i32::MAX))
                .bind::<BigInt, _>(result.seen.cast_signed())
                .bind::<Nullable<Jsonb>, _>(result.error.as_ref().map(to_json))
                .bind::<Nullable<Timestamptz>, _>(result.started_at)
                .bind::<Nullable<Timestamptz>, _>(result.completed_at),
        )
        .load(&mut self.connection().await?)
        .await
        .map_err(StoreError::from)?;
        let recorded = rows.into_iter().next().ok_or(WriteError::Lost)?;
        Ok(TypeResult {
            created: recorded.created.unsigned_abs(),
            changed: recorded.changed.unsigned_abs(),
            reassigned: recorded.reassigned.unsigned_abs(),
            missing: recorded.missing.unsigned_abs(),
            back: recorded.back.unsigned_abs(),
            ..result.clone()
        })
    }

    /// Says that the lists of these types were read to their end: what is known of them is current
    /// as of now, and a link to what is not among them leads nowhere.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn read_to_end(
        &self,
        lease: &Lease,
        keys: &[PolicyTypeKey],
    ) -> Result<(), WriteError> {
        let keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
        let row: HeldRow = prepared(
            guarded!(READ_TO_END, lease)
                .bind::<SqlUuid, _>(lease.run_id.into_uuid())
                .bind::<Array<Text>, _>(keys),
        )
        .get_result(&mut self.connection().await?)
        .await
        .map_err(StoreError::from)?;
        row.check()
    }
}
