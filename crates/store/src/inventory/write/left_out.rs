//! What lists hold that is no item.

use std::collections::BTreeMap;

use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::Lease;
use const_format::concatcp;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::{GUARD, HELD, HeldRow, WriteError, guarded};
use crate::error::StoreError;
use crate::pool::Store;
use crate::prepared::prepared;

/// $5 policy types, $6 and $7 a policy type and an id each, $8 whether these are all there are. What
/// stands already is not written again: it is the same in nearly every sync.
const LEAVE_OUT: &str = concatcp!(
    GUARD,
    ", told AS (SELECT * FROM unnest($6::text[], $7::text[]) t(policy_type, external_id)), \
    gone AS ( \
        DELETE FROM inventory_left_out o USING guard \
        WHERE o.tenant_id = $1 AND o.policy_type = ANY($5) AND $8 \
            AND NOT EXISTS (SELECT 1 FROM told t WHERE t.policy_type = o.policy_type \
                AND t.external_id = o.external_id)), \
    new AS ( \
        INSERT INTO inventory_left_out (tenant_id, policy_type, external_id) \
        SELECT DISTINCT $1, t.policy_type, t.external_id FROM told t, guard \
        ORDER BY t.policy_type, t.external_id ON CONFLICT DO NOTHING)",
    HELD
);

impl Store {
    /// Notes which objects of these types the lists hold and the inventory leaves out. `whole`: the
    /// lists were read to their ends, so that there are no others.
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
        let keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
        let (types, ids): (Vec<&str>, Vec<&str>) = left_out
            .iter()
            .flat_map(|(key, ids)| ids.iter().map(|id| (key.as_str(), id.as_str())))
            .unzip();
        let row: HeldRow = prepared(
            guarded!(LEAVE_OUT, lease)
                .bind::<Array<Text>, _>(keys)
                .bind::<Array<Text>, _>(types)
                .bind::<Array<Text>, _>(ids)
                .bind::<Bool, _>(whole),
        )
        .get_result(&mut self.connection().await?)
        .await
        .map_err(StoreError::from)?;
        row.check()
    }
}
