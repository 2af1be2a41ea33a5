//! Links whose target could be in the inventory and is not.

use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::Lease;
use const_format::concatcp;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::{GUARD, HELD, HeldRow, WriteError, guarded};
use crate::error::StoreError;
use crate::inventory::links::held_targets;
use crate::pool::Store;
use crate::prepared::prepared;

/// $5 target kinds and $6 the policy types under which each is held, pair by pair. A kind is judged
/// once every one of its types was read to its end: until then, what is not there may only not have
/// been read; and while none of them is among $7, whose objects may be there without being stored.
/// What Microsoft supplies is there without being an item: a link may say so itself, or its
/// target was left out of a list that was read.
const FIND_DANGLING: &str = concatcp!(
    GUARD,
    ", holds AS (SELECT * FROM unnest($5::text[], $6::text[]) h(target_kind, policy_type)), \
    judged AS ( \
        SELECT h.target_kind FROM holds h LEFT JOIN inventory_type_summaries s \
            ON s.tenant_id = $1 AND s.policy_type = h.policy_type \
        GROUP BY h.target_kind HAVING bool_and(s.data_as_of IS NOT NULL \
            AND h.policy_type <> ALL($7))), \
    lost AS ( \
        UPDATE inventory_links l SET dangling = true FROM judged j, guard \
        WHERE l.tenant_id = $1 AND l.target_kind = j.target_kind AND NOT l.dangling \
            AND NOT l.qualifier ? 'built_in' \
            AND NOT EXISTS (SELECT 1 FROM holds h JOIN inventory_items i ON i.tenant_id = $1 \
                AND i.policy_type = h.policy_type AND i.missing_since IS NULL \
                WHERE h.target_kind = l.target_kind AND i.external_id = l.target_id) \
            AND NOT EXISTS (SELECT 1 FROM holds h JOIN inventory_left_out o ON o.tenant_id = $1 \
                AND o.policy_type = h.policy_type \
                WHERE h.target_kind = l.target_kind AND o.external_id = l.target_id)), \
    supplied AS ( \
        UPDATE inventory_links l SET dangling = false FROM holds h, inventory_left_out o, guard \
        WHERE l.tenant_id = $1 AND l.dangling AND h.target_kind = l.target_kind \
            AND o.tenant_id = $1 AND o.policy_type = h.policy_type \
            AND o.external_id = l.target_id), \
    found AS ( \
        UPDATE inventory_links l SET dangling = false FROM holds h, inventory_items i, guard \
        WHERE l.tenant_id = $1 AND l.dangling AND h.target_kind = l.target_kind \
            AND i.tenant_id = $1 AND i.policy_type = h.policy_type \
            AND i.external_id = l.target_id AND i.missing_since IS NULL)",
    HELD
);

impl Store {
    /// Judges all links of the tenant by what is there now. Objects of the types `in_doubt` may be
    /// there without being stored, so that no link to one of their kind is found to dangle.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn find_dangling(
        &self,
        lease: &Lease,
        in_doubt: &[PolicyTypeKey],
    ) -> Result<(), WriteError> {
        let (kinds, types) = held_targets();
        let in_doubt: Vec<&str> = in_doubt.iter().map(|key| key.as_str()).collect();
        let row: HeldRow = prepared(
            guarded!(FIND_DANGLING, lease)
                .bind::<Array<Text>, _>(kinds)
                .bind::<Array<Text>, _>(types)
                .bind::<Array<Text>, _>(in_doubt),
        )
        .get_result(&mut self.connection().await?)
        .await
        .map_err(StoreError::from)?;
        row.check()
    }
}
