//! Marking items that are no longer on their lists.

use std::collections::BTreeMap;

use atlas_domain::policy_types::{PolicyTypeKey, registry};
use atlas_domain::run::Lease;
use uuid::Uuid;

use super::{BATCH, WriteError};
use crate::pool::Store;
use crate::statement::{row, statement};

statement! {
    struct MarkMissing<'a> {
        tenant: Uuid,
        scope: &'a str,
        fence: i64,
        token: Uuid,
        run: Uuid,
        policy_types: &'a [&'a str],
        change_ids: Vec<Uuid>,
    }
    file: "inventory/mark_missing",
    row: MarkedRow,
    pieces: ["inventory/pieces/guard"],
}

row! {
    struct MarkedRow {
        /// Absent in the row that reports whether the guard held.
        policy_type: Option<String>,
        marked: i64,
    }
}

impl Store {
    /// Marks the items of these types that this run did not see as missing, and returns how many of
    /// each type. Only for types whose lists were read to their end.
    ///
    /// # Errors
    /// [`WriteError`]; batches before the failing one stay marked.
    pub async fn mark_missing(
        &self,
        lease: &Lease,
        read_completely: &[PolicyTypeKey],
    ) -> Result<BTreeMap<PolicyTypeKey, u64>, WriteError> {
        let keys: Vec<&str> = read_completely.iter().map(|key| key.as_str()).collect();
        let mut total: BTreeMap<PolicyTypeKey, u64> = BTreeMap::new();
        loop {
            let rows = self
                .fetch_all(&MarkMissing {
                    tenant: lease.tenant_id.into_uuid(),
                    scope: lease.kind.lock_scope(),
                    fence: lease.fence,
                    token: lease.token.into_uuid(),
                    run: lease.run_id.into_uuid(),
                    policy_types: &keys,
                    change_ids: std::iter::repeat_with(|| self.mint()).take(BATCH).collect(),
                })
                .await?;
            let mut held = false;
            let mut batch = 0;
            for row in rows {
                let marked = row.marked.unsigned_abs();
                let Some(policy_type) = row.policy_type else {
                    held = marked > 0;
                    continue;
                };
                batch += marked;
                if let Some(key) = registry().find(&policy_type) {
                    *total.entry(key).or_default() += marked;
                }
            }
            if !held {
                return Err(WriteError::Lost);
            }
            if batch < BATCH as u64 {
                return Ok(total);
            }
        }
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] =
    &[<MarkMissing<'_> as crate::statement::Statement>::INFO];
