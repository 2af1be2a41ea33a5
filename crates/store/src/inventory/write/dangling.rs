//! Dangling links: those whose target could be in the inventory and is not.

use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::Lease;
use uuid::Uuid;

use super::{HeldRow, WriteError};
use crate::inventory::links::held_targets;
use crate::pool::Store;
use crate::statement::statement;

statement! {
    struct FindDangling<'a> {
        tenant: Uuid,
        scope: &'a str,
        fence: i64,
        token: Uuid,
        target_kinds: Vec<&'a str>,
        /// Under which each of `target_kinds` is held.
        policy_types: Vec<&'a str>,
        in_doubt: Vec<&'a str>,
    }
    file: "inventory/find_dangling",
    row: HeldRow,
    pieces: ["inventory/pieces/guard"],
}

impl Store {
    /// Marks which links of the tenant dangle. Objects of the types `in_doubt` may exist without being
    /// stored, so that no link to an object of these types is marked.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn find_dangling(
        &self,
        lease: &Lease,
        in_doubt: &[PolicyTypeKey],
    ) -> Result<(), WriteError> {
        let (target_kinds, policy_types) = held_targets();
        let row = self
            .fetch_one(&FindDangling {
                tenant: lease.tenant_id.into_uuid(),
                scope: lease.kind.lock_scope(),
                fence: lease.fence,
                token: lease.token.into_uuid(),
                target_kinds,
                policy_types,
                in_doubt: in_doubt.iter().map(|key| key.as_str()).collect(),
            })
            .await?;
        row.check()
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] =
    &[<FindDangling<'_> as crate::statement::Statement>::INFO];
