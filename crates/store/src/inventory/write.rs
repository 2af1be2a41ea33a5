//! What a sync writes. Each call is one statement in a transaction of its own, and writes only
//! while the caller's fence is the tenant's: a worker that was replaced changes nothing.
//!
//! | module | subject |
//! | --- | --- |
//! | `activity` | who changed items: events of audit logs, and the changes that they explain |
//! | `begin` | recording what is going to be read |
//! | `page` | storing what was seen on a page |
//! | `touch` | items that have not changed |
//! | `earlier_settings` | settings of values that were stored before there were any |
//! | `differing` | items that are new or differ, with content, changes and links |
//! | `columns` | the columns of observations and links |
//! | `setting_columns` | the columns of settings |
//! | `stored_json` | JSON on its way into the database |
//! | `left_out` | objects on lists that are not stored as items |
//! | `missing` | marking items that are no longer on their lists |
//! | `dangling` | finding links whose target is not there |

mod activity;
mod begin;
mod columns;
mod dangling;
mod differing;
mod earlier_settings;
mod left_out;
mod missing;
mod page;
#[cfg(test)]
mod plans;
mod setting_columns;
mod stored_json;
mod touch;

use std::collections::BTreeMap;
use std::ops::AddAssign;

use atlas_domain::inventory::TypeResult;
use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::Lease;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::pool::Store;
use crate::runs::to_json;
use crate::statement::{row, statement};

pub use begin::Beginning;

/// Rows per statement: keeps each transaction far below a second, and what each connection keeps as
/// its buffers below a megabyte.
const BATCH: usize = 200;

/// Why a write was not done.
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
    /// Rows that the database refused, in the order of their keys. What was stored of them before is
    /// unchanged, and they are not counted as seen.
    pub refused: Vec<RefusedRow>,
}

/// A row that the database refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefusedRow {
    pub policy_type: PolicyTypeKey,
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

statement! {
    struct RecordResult<'a> {
        tenant: Uuid,
        scope: &'a str,
        fence: i64,
        token: Uuid,
        run: Uuid,
        policy_type: &'a str,
        status: &'a str,
        pages: i32,
        seen: i64,
        values_read: i64,
        values_verified: i64,
        error: Option<Value>,
        started_at: Option<DateTime<Utc>>,
        completed_at: Option<DateTime<Utc>>,
    }
    file: "inventory/record_result",
    row: RecordedRow,
    pieces: ["inventory/pieces/guard"],
}

row! {
    struct RecordedRow {
        created: i64,
        changed: i64,
        reassigned: i64,
        missing: i64,
        back: i64,
    }
}

statement! {
    struct ReadToEnd<'a> {
        tenant: Uuid,
        scope: &'a str,
        fence: i64,
        token: Uuid,
        run: Uuid,
        policy_types: Vec<&'a str>,
    }
    file: "inventory/read_to_end",
    row: HeldRow,
    pieces: ["inventory/pieces/guard"],
}

row! {
    /// What a guarded statement returns that reports nothing else.
    pub(crate) struct HeldRow {
        held: bool,
    }
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

impl Store {
    /// Records the result of reading one policy type, and returns it with the numbers of changes that
    /// all attempts of this run have recorded. The numbers in `result` are ignored.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn record_result(
        &self,
        lease: &Lease,
        result: &TypeResult,
    ) -> Result<TypeResult, WriteError> {
        let recorded = self
            .fetch_optional(&RecordResult {
                tenant: lease.tenant_id.into_uuid(),
                scope: lease.kind.lock_scope(),
                fence: lease.fence,
                token: lease.token.into_uuid(),
                run: lease.run_id.into_uuid(),
                policy_type: result.policy_type.as_str(),
                status: result.status.as_str(),
                pages: i32::try_from(result.pages).unwrap_or(i32::MAX),
                seen: result.seen.cast_signed(),
                values_read: result.values_read.cast_signed(),
                values_verified: result.values_verified.cast_signed(),
                error: result.error.as_ref().map(to_json),
                started_at: result.started_at,
                completed_at: result.completed_at,
            })
            .await?
            .ok_or(WriteError::Lost)?;
        Ok(TypeResult {
            created: recorded.created.unsigned_abs(),
            changed: recorded.changed.unsigned_abs(),
            reassigned: recorded.reassigned.unsigned_abs(),
            missing: recorded.missing.unsigned_abs(),
            back: recorded.back.unsigned_abs(),
            ..result.clone()
        })
    }

    /// Records that the lists of these types were read to their end: what is stored of them is
    /// current, and a link to an object that is not stored dangles.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn read_to_end(
        &self,
        lease: &Lease,
        keys: &[PolicyTypeKey],
    ) -> Result<(), WriteError> {
        let row = self
            .fetch_one(&ReadToEnd {
                tenant: lease.tenant_id.into_uuid(),
                scope: lease.kind.lock_scope(),
                fence: lease.fence,
                token: lease.token.into_uuid(),
                run: lease.run_id.into_uuid(),
                policy_types: keys.iter().map(|key| key.as_str()).collect(),
            })
            .await?;
        row.check()
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<crate::statement::Info> {
    let own: &[crate::statement::Info] = &[
        <RecordResult<'_> as crate::statement::Statement>::INFO,
        <ReadToEnd<'_> as crate::statement::Statement>::INFO,
    ];
    [
        own,
        activity::STATEMENTS,
        begin::STATEMENTS,
        dangling::STATEMENTS,
        differing::STATEMENTS,
        earlier_settings::STATEMENTS,
        left_out::STATEMENTS,
        missing::STATEMENTS,
        touch::STATEMENTS,
    ]
    .concat()
}
