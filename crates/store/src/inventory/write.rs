//! What a sync writes. Each call is one statement in a transaction of its own, and writes only
//! while the caller's fence is the tenant's: a worker that was replaced changes nothing.

use std::collections::BTreeMap;

use atlas_domain::ids::UserId;
use atlas_domain::inventory::{Observation, TypeResult};
use atlas_domain::policy_types::{PolicyTypeKey, registry};
use atlas_domain::run::Lease;
use atlas_domain::selection::Selection;
use const_format::concatcp;
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::pool::Store;
use crate::runs::to_json;
use crate::statement::prepared;

/// Rows per statement: keeps each transaction far below a second.
const BATCH: usize = 500;
/// Joins scope tags on their way into the database; no tag id contains it.
const SEPARATOR: &str = "\u{1f}";

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

/// What storing did for one policy type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TypeEffect {
    /// Objects stored.
    pub seen: u64,
    /// Of these: not there before, or missing before.
    pub created: u64,
    /// Of these: there before with other content or other assignments.
    pub changed: u64,
}

/// `FOR SHARE` makes the check and the write one: whoever takes the run over updates this row, and
/// so waits for our commit or comes first. $1 tenant, $2 scope, $3 fence, $4 token.
const GUARD: &str = "WITH guard AS ( \
    SELECT 1 AS held FROM tenant_fences f \
    WHERE f.tenant_id = $1 AND f.scope = $2 AND f.fence = $3 AND f.token = $4 FOR SHARE)";

/// Ends a guarded statement: one row says whether the guard held.
const HELD: &str = " SELECT NULL::text AS policy_type, count(*) AS seen, 0::bigint AS created, \
    0::bigint AS changed FROM guard";

/// $5 run, $6 initiator, $7 selection, $8 its hash, $9 policy types.
const BEGIN: &str = concatcp!(
    GUARD,
    ", run AS ( \
        INSERT INTO inventory_sync_runs (run_id, tenant_id, initiator_id, selection, selection_hash) \
        SELECT $5, $1, $6, $7, $8 FROM guard ON CONFLICT (run_id) DO NOTHING), \
    results AS ( \
        INSERT INTO inventory_type_results AS x (run_id, policy_type, status) \
        SELECT $5, k, 'pending' FROM unnest($9) k CROSS JOIN guard \
        ON CONFLICT (run_id, policy_type) DO UPDATE SET status = 'pending', pages = 0, seen = 0, \
            created = 0, changed = 0, missing = 0, error = NULL, started_at = NULL, \
            completed_at = NULL)",
    HELD
);

/// $5 run, $6 to $17 columns of the observations. An object that differs from what is stored counts
/// as changed; one that is new, or was missing, as created. The old rows are read by the same
/// snapshot, before the insert touches them.
const STORE_PAGE: &str = concatcp!(
    GUARD,
    ", observed AS ( \
        SELECT * FROM unnest($6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[], \
            $11::text[], $12::bool[], $13::text[], $14::int[], $15::jsonb[], $16::bytea[], \
            $17::bytea[]) \
        AS o(id, policy_type, external_id, name, category, platform, foundation, scope_tags, \
            assignment_count, metadata, content_hash, assignments_hash)), \
    before AS ( \
        SELECT i.policy_type, i.external_id, i.missing_since, \
            (i.content_hash <> o.content_hash \
                OR coalesce(i.assignments_hash <> o.assignments_hash, false)) AS differs \
        FROM observed o JOIN inventory_items i ON i.tenant_id = $1 \
            AND i.policy_type = o.policy_type AND i.external_id = o.external_id), \
    written AS ( \
        INSERT INTO inventory_items AS i (id, tenant_id, policy_type, external_id, name, category, \
            platform, foundation, scope_tags, assignment_count, metadata, content_hash, \
            assignments_hash, first_seen_at, last_seen_at, changed_at, fence, last_seen_run) \
        SELECT o.id, $1, o.policy_type, o.external_id, o.name, o.category, o.platform, \
            o.foundation, string_to_array(o.scope_tags, E'\\x1f'), o.assignment_count, o.metadata, \
            o.content_hash, o.assignments_hash, clock_timestamp(), clock_timestamp(), \
            clock_timestamp(), $3, $5 \
        FROM observed o CROSS JOIN guard \
        ON CONFLICT (tenant_id, policy_type, external_id) DO UPDATE SET name = EXCLUDED.name, \
            category = EXCLUDED.category, platform = EXCLUDED.platform, \
            foundation = EXCLUDED.foundation, scope_tags = EXCLUDED.scope_tags, \
            assignment_count = EXCLUDED.assignment_count, metadata = EXCLUDED.metadata, \
            content_hash = EXCLUDED.content_hash, assignments_hash = EXCLUDED.assignments_hash, \
            changed_at = CASE WHEN i.content_hash <> EXCLUDED.content_hash \
                OR coalesce(i.assignments_hash <> EXCLUDED.assignments_hash, false) \
                THEN EXCLUDED.changed_at ELSE i.changed_at END, \
            last_seen_at = EXCLUDED.last_seen_at, missing_since = NULL, fence = EXCLUDED.fence, \
            last_seen_run = EXCLUDED.last_seen_run \
        WHERE i.fence <= EXCLUDED.fence \
        RETURNING i.policy_type, i.external_id) \
    SELECT w.policy_type, count(*) AS seen, \
        count(*) FILTER (WHERE b.external_id IS NULL OR b.missing_since IS NOT NULL) AS created, \
        count(*) FILTER (WHERE b.missing_since IS NULL AND b.differs) AS changed \
    FROM written w LEFT JOIN before b \
        ON b.policy_type = w.policy_type AND b.external_id = w.external_id \
    GROUP BY w.policy_type UNION ALL",
    HELD
);

/// $5 run, $6 policy type, $7 to $15 the result.
const RECORD: &str = concatcp!(
    GUARD,
    ", recorded AS ( \
        UPDATE inventory_type_results x SET status = $7, pages = $8, seen = $9, created = $10, \
            changed = $11, missing = $12, error = $13, started_at = $14, completed_at = $15 \
        FROM guard WHERE x.run_id = $5 AND x.policy_type = $6)",
    HELD
);

/// $5 policy types, $6 how many at most. By fence and not by run: what an earlier attempt of the
/// same run saw, and a later one did not, is missing.
const MARK_MISSING: &str = concatcp!(
    GUARD,
    ", gone AS ( \
        SELECT i.id FROM inventory_items i WHERE i.tenant_id = $1 AND i.policy_type = ANY($5) \
            AND i.fence < $3 AND i.missing_since IS NULL LIMIT $6), \
    marked AS ( \
        UPDATE inventory_items i SET missing_since = clock_timestamp() FROM gone, guard \
        WHERE i.id = gone.id AND i.fence < $3 AND i.missing_since IS NULL \
        RETURNING i.policy_type) \
    SELECT m.policy_type, count(*) AS seen, 0::bigint AS created, 0::bigint AS changed \
    FROM marked m GROUP BY m.policy_type UNION ALL",
    HELD
);

/// $5 run, $6 policy types, $7 whether they were read to their end.
const RECOUNT: &str = concatcp!(
    GUARD,
    ", counted AS ( \
        INSERT INTO inventory_type_summaries AS s \
            (tenant_id, policy_type, present, missing, data_as_of, last_run) \
        SELECT $1, k, count(i.id) FILTER (WHERE i.missing_since IS NULL), \
            count(i.id) FILTER (WHERE i.missing_since IS NOT NULL), \
            CASE WHEN $7 THEN clock_timestamp() END, $5 \
        FROM guard CROSS JOIN unnest($6) k LEFT JOIN inventory_items i \
            ON i.tenant_id = $1 AND i.policy_type = k \
        GROUP BY k \
        ON CONFLICT (tenant_id, policy_type) DO UPDATE SET present = EXCLUDED.present, \
            missing = EXCLUDED.missing, data_as_of = coalesce(EXCLUDED.data_as_of, s.data_as_of), \
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

#[derive(QueryableByName)]
struct EffectRow {
    /// Absent in the row that says whether the guard held.
    #[diesel(sql_type = Nullable<Text>)]
    policy_type: Option<String>,
    #[diesel(sql_type = BigInt)]
    seen: i64,
    #[diesel(sql_type = BigInt)]
    created: i64,
    #[diesel(sql_type = BigInt)]
    changed: i64,
}

impl Store {
    /// Records what the run reads, with every type pending. A later attempt of the same run begins
    /// anew.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn begin_sync(
        &self,
        lease: &Lease,
        initiator: UserId,
        selection: &Selection,
        keys: &[PolicyTypeKey],
    ) -> Result<(), WriteError> {
        let keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
        let rows: Vec<EffectRow> = prepared(
            guarded!(BEGIN, lease)
                .bind::<SqlUuid, _>(lease.run_id.into_uuid())
                .bind::<SqlUuid, _>(initiator.into_uuid())
                .bind::<Jsonb, _>(to_json(selection))
                .bind::<Text, _>(selection.hash())
                .bind::<Array<Text>, _>(keys),
        )
        .load(&mut self.connection().await?)
        .await
        .map_err(StoreError::from)?;
        effects(&rows).map(drop)
    }

    /// Stores what was seen on one page. Storing the same again changes no count but `seen`. When
    /// one object stands in the page twice, the later one counts.
    ///
    /// # Errors
    /// [`WriteError`]; batches of 500 before the failing one stay stored.
    pub async fn store_page(
        &self,
        lease: &Lease,
        observations: &[Observation],
    ) -> Result<PageEffect, WriteError> {
        let mut latest: BTreeMap<(PolicyTypeKey, &str), &Observation> = BTreeMap::new();
        for observation in observations {
            latest.insert(
                (observation.policy_type, &observation.external_id),
                observation,
            );
        }
        // Sorted by key: two writers lock rows in the same order.
        let latest: Vec<&Observation> = latest.into_values().collect();
        let mut total = PageEffect::new();
        for batch in latest.chunks(BATCH) {
            for (key, effect) in self.store_batch(lease, batch).await? {
                let sum = total.entry(key).or_default();
                sum.seen += effect.seen;
                sum.created += effect.created;
                sum.changed += effect.changed;
            }
        }
        Ok(total)
    }

    async fn store_batch(
        &self,
        lease: &Lease,
        batch: &[&Observation],
    ) -> Result<PageEffect, WriteError> {
        let ids: Vec<Uuid> = batch.iter().map(|_| self.mint()).collect();
        let columns = |pick: fn(&Observation) -> &str| -> Vec<String> {
            batch
                .iter()
                .map(|observation| storable(pick(observation)))
                .collect()
        };
        let foundations: Vec<bool> = batch
            .iter()
            .map(|o| o.policy_type.describe().foundation)
            .collect();
        let tags: Vec<String> = batch
            .iter()
            .map(|o| storable(&o.scope_tags.join(SEPARATOR)))
            .collect();
        let counts: Vec<Option<i32>> = batch.iter().map(|o| o.assignment_count).collect();
        let metadata: Vec<Value> = batch.iter().map(|o| storable_json(&o.metadata)).collect();
        let content: Vec<&[u8]> = batch.iter().map(|o| o.content_hash.as_slice()).collect();
        let assignments: Vec<Option<&[u8]>> = batch
            .iter()
            .map(|o| o.assignments_hash.as_ref().map(|hash| hash.as_slice()))
            .collect();
        let rows: Vec<EffectRow> = prepared(
            guarded!(STORE_PAGE, lease)
                .bind::<SqlUuid, _>(lease.run_id.into_uuid())
                .bind::<Array<SqlUuid>, _>(ids)
                .bind::<Array<Text>, _>(columns(|o| o.policy_type.as_str()))
                .bind::<Array<Text>, _>(columns(|o| &o.external_id))
                .bind::<Array<Text>, _>(columns(|o| &o.name))
                .bind::<Array<Text>, _>(columns(|o| &o.policy_type.describe().category))
                .bind::<Array<Text>, _>(columns(|o| &o.platform))
                .bind::<Array<Bool>, _>(foundations)
                .bind::<Array<Text>, _>(tags)
                .bind::<Array<Nullable<Integer>>, _>(counts)
                .bind::<Array<Jsonb>, _>(metadata)
                .bind::<Array<Binary>, _>(content)
                .bind::<Array<Nullable<Binary>>, _>(assignments),
        )
        .load(&mut self.connection().await?)
        .await
        .map_err(StoreError::from)?;
        effects(&rows)
    }

    /// Records how reading one policy type went.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn record_result(
        &self,
        lease: &Lease,
        result: &TypeResult,
    ) -> Result<(), WriteError> {
        let rows: Vec<EffectRow> = prepared(
            guarded!(RECORD, lease)
                .bind::<SqlUuid, _>(lease.run_id.into_uuid())
                .bind::<Text, _>(result.policy_type.as_str())
                .bind::<Text, _>(result.status.as_str())
                .bind::<Integer, _>(i32::try_from(result.pages).unwrap_or(i32::MAX))
                .bind::<BigInt, _>(result.seen.cast_signed())
                .bind::<BigInt, _>(result.created.cast_signed())
                .bind::<BigInt, _>(result.changed.cast_signed())
                .bind::<BigInt, _>(result.missing.cast_signed())
                .bind::<Nullable<Jsonb>, _>(result.error.as_ref().map(to_json))
                .bind::<Nullable<Timestamptz>, _>(result.started_at)
                .bind::<Nullable<Timestamptz>, _>(result.completed_at),
        )
        .load(&mut self.connection().await?)
        .await
        .map_err(StoreError::from)?;
        effects(&rows).map(drop)
    }

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
            let rows: Vec<EffectRow> = prepared(
                guarded!(MARK_MISSING, lease)
                    .bind::<Array<Text>, _>(&keys)
                    .bind::<BigInt, _>(i64::try_from(BATCH).unwrap_or(i64::MAX)),
            )
            .load(&mut self.connection().await?)
            .await
            .map_err(StoreError::from)?;
            let marked = effects(&rows)?;
            let batch: u64 = marked.values().map(|effect| effect.seen).sum();
            for (key, effect) in marked {
                *total.entry(key).or_default() += effect.seen;
            }
            if batch < BATCH as u64 {
                return Ok(total);
            }
        }
    }

    /// Counts what these types have now, for the summary. `complete` says that their lists were
    /// read to their end, which makes them current as of now.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn recount(
        &self,
        lease: &Lease,
        keys: &[PolicyTypeKey],
        complete: bool,
    ) -> Result<(), WriteError> {
        let keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
        let rows: Vec<EffectRow> = prepared(
            guarded!(RECOUNT, lease)
                .bind::<SqlUuid, _>(lease.run_id.into_uuid())
                .bind::<Array<Text>, _>(keys)
                .bind::<Bool, _>(complete),
        )
        .load(&mut self.connection().await?)
        .await
        .map_err(StoreError::from)?;
        effects(&rows).map(drop)
    }
}

fn effects(rows: &[EffectRow]) -> Result<PageEffect, WriteError> {
    let held = rows
        .iter()
        .any(|row| row.policy_type.is_none() && row.seen > 0);
    if !held {
        return Err(WriteError::Lost);
    }
    Ok(rows
        .iter()
        .filter_map(|row| {
            let key = registry().find(row.policy_type.as_deref()?)?;
            let effect = TypeEffect {
                seen: row.seen.unsigned_abs(),
                created: row.created.unsigned_abs(),
                changed: row.changed.unsigned_abs(),
            };
            Some((key, effect))
        })
        .collect())
}

/// PostgreSQL's text cannot hold the character NUL; names from outside can.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn storable_json(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(storable(text)),
        Value::Array(values) => values.iter().map(storable_json).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (storable(name), storable_json(value)))
            .collect(),
        other => other.clone(),
    }
}
