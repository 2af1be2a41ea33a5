//! Marking what is no longer there.

use std::collections::BTreeMap;

use atlas_domain::policy_types::{PolicyTypeKey, registry};
use atlas_domain::run::Lease;
use const_format::concatcp;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{BATCH, GUARD, WriteError, guarded};
use crate::error::StoreError;
use crate::pool::Store;
use crate::prepared::prepared;

/// $5 run, $6 policy types, $7 ids for the changes, which also say how many at most. By fence and
/// not by run: what an earlier attempt of the same run saw, and a later one did not, is missing.
/// The links of what is gone go with it; it tells them anew when it comes back.
const MARK_MISSING: &str = concatcp!(
    GUARD,
    ", gone AS ( \
        SELECT i.id FROM inventory_items i WHERE i.tenant_id = $1 AND i.policy_type = ANY($6) \
            AND i.fence < $3 AND i.missing_since IS NULL LIMIT cardinality($7)), \
    marked AS ( \
        UPDATE inventory_items i SET missing_since = clock_timestamp(), object_links = NULL, \
            assignment_links = NULL, related_links = NULL \
        FROM gone, guard \
        WHERE i.id = gone.id AND i.fence < $3 AND i.missing_since IS NULL \
        RETURNING i.id, i.policy_type), \
    unlinked AS (DELETE FROM inventory_links l USING marked m WHERE l.item_id = m.id), \
    changes AS ( \
        INSERT INTO inventory_changes \
            (tenant_id, occurred_at, id, item_id, policy_type, kind, run_id) \
        SELECT $1, clock_timestamp(), ($7)[row_number() OVER ()], m.id, m.policy_type, 'gone', $5 \
        FROM marked m), \
    counted AS (SELECT m.policy_type, count(*) AS marked FROM marked m GROUP BY m.policy_type), \
    summaries AS ( \
        UPDATE inventory_type_summaries s SET present = s.present - c.marked, \
            missing = s.missing + c.marked, last_run = $5 \
        FROM counted c WHERE s.tenant_id = $1 AND s.policy_type = c.policy_type), \
    results AS ( \
        UPDATE inventory_type_results x SET missing = x.missing + c.marked \
        FROM counted c WHERE x.run_id = $5 AND x.policy_type = c.policy_type) \
    SELECT c.policy_type, c.marked FROM counted c \
    UNION ALL SELECT NULL, count(*) FROM guard"
);

#[derive(QueryableByName)]
struct MarkedRow {
    /// Absent in the row that says whether the guard held.
    #[diesel(sql_type = Nullable<Text>)]
    policy_type: Option<String>,
    #[diesel(sql_type = BigInt)]
    marked: i64,
}

impl Store {
    /// Marks what these types had before and what this run did not see, and says how many of each.
    /// Only for types whose lists were read to their end.
    ///
    /// # Errors
    /// [`WriteError`]; batches before the failing one stay marked, which is true of them.
    pub async fn mark_missing(
        &self,
        lease: &Lease,
        read_completely: &[PolicyTypeKey],
    ) -> Result<BTreeMap<PolicyTypeKey, u64>, WriteError> {
        let keys: Vec<&str> = read_completely.iter().map(|key| key.as_str()).collect();
        let mut total: BTreeMap<PolicyTypeKey, u64> = BTreeMap::new();
        loop {
            let ids: Vec<Uuid> = std::iter::repeat_with(|| self.mint()).take(BATCH).collect();
            let rows: Vec<MarkedRow> = prepared(
                guarded!(MARK_MISSING, lease)
                    .bind::<SqlUuid, _>(lease.run_id.into_uuid())
                    .bind::<Array<Text>, _>(&keys)
                    .bind::<Array<SqlUuid>, _>(ids),
            )
            .load(&mut self.connection().await?)
            .await
            .map_err(StoreError::from)?;
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
