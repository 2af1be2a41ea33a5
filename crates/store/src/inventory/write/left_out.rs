//! Objects on lists that are not stored as items, such as those that Microsoft supplies.

use std::collections::BTreeMap;

use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::Lease;
use uuid::Uuid;

use super::{HeldRow, WriteError};
use crate::pool::Store;
use crate::statement::statement;

statement! {
    struct LeaveOut<'a> {
        tenant: Uuid,
        scope: &'a str,
        fence: i64,
        token: Uuid,
        policy_types: Vec<&'a str>,
        /// The type of each of `external_ids`.
        types_of_ids: Vec<&'a str>,
        external_ids: Vec<&'a str>,
        whole: bool,
    }
    file: "inventory/left_out",
    row: HeldRow,
    pieces: ["inventory/pieces/guard"],
}

impl Store {
    /// Records which objects of these types the inventory leaves out, so that links to them do not
    /// dangle. With `whole` the lists were read to their ends, and there are no others.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn note_left_out(
        &self,
        lease: &Lease,
        keys: &[PolicyTypeKey],
        left_out: &BTreeMap<PolicyTypeKey, Vec<String>>,
        whole: bool,
    ) -> Result<(), WriteError> {
        let (types_of_ids, external_ids): (Vec<&str>, Vec<&str>) = left_out
            .iter()
            .flat_map(|(key, ids)| ids.iter().map(|id| (key.as_str(), id.as_str())))
            .unzip();
        let row = self
            .fetch_one(&LeaveOut {
                tenant: lease.tenant_id.into_uuid(),
                scope: lease.kind.lock_scope(),
                fence: lease.fence,
                token: lease.token.into_uuid(),
                policy_types: keys.iter().map(|key| key.as_str()).collect(),
                types_of_ids,
                external_ids,
                whole,
            })
            .await?;
        row.check()
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] =
    &[<LeaveOut<'_> as crate::statement::Statement>::INFO];
