//! What a sync of groups writes. Each call is one statement in a transaction of its own, and writes
//! only while the caller's fence is the tenant's.

use atlas_domain::causes::Causes;
use atlas_domain::directory::{GroupNews, GroupTells};
use atlas_domain::ids::GroupId;
use atlas_domain::run::Lease;
use const_format::concatcp;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::halving::{Halving, Next};
use crate::inventory::{GUARD, HELD, HeldRow, WriteError, guarded};
use crate::pool::Store;
use crate::prepared::prepared;
use crate::runs::to_json;

/// Groups that one statement marks as gone at most: keeps each transaction far below a second.
pub const MARKED_AT_ONCE: u32 = 2_000;
/// Groups that one statement stores at most.
const BATCH: usize = 1_000;

/// What storing a page did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupEffect {
    /// Groups that are there, and that this attempt was not told of before.
    pub seen: u64,
    /// Groups of which only changes were told, and which are not known: the reading has to begin
    /// anew. They were not stored.
    pub nameless: u64,
    /// With this page.
    pub so_far: GroupTally,
    /// Groups that the database refused: they stand as they stood before.
    pub refused: Vec<GroupId>,
}

/// What a run has changed so far, over all its attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupTally {
    /// Groups that were not known before.
    pub created: u64,
    /// Groups with other properties.
    pub changed: u64,
    /// Groups that had been gone.
    pub back: u64,
    /// Groups that were there and are gone.
    pub removed: u64,
}

/// What marking did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkedGone {
    /// Groups that were marked.
    pub marked: u64,
    /// With these.
    pub so_far: GroupTally,
}

/// Adds what is `counted` to what the run $5 did before. A caller that repeats a statement whose
/// answer was lost changes nothing the second time, and so counts nothing twice.
const TALLIED: &str = ", tallied AS ( \
    INSERT INTO directory_group_tallies AS y (run_id, created, changed, back, removed) \
    SELECT $5, c.created, c.changed, c.back, c.removed FROM guard, counted c \
    ON CONFLICT (run_id) DO UPDATE SET created = y.created + EXCLUDED.created, \
        changed = y.changed + EXCLUDED.changed, back = y.back + EXCLUDED.back, \
        removed = y.removed + EXCLUDED.removed \
    RETURNING y.created, y.changed, y.back, y.removed) \
    SELECT EXISTS (SELECT 1 FROM guard) AS held, c.seen, c.nameless, c.removed AS marked, \
        coalesce(y.created, 0) AS created, coalesce(y.changed, 0) AS changed, \
        coalesce(y.back, 0) AS back, coalesce(y.removed, 0) AS removed \
    FROM counted c LEFT JOIN tallied y ON true";

/// $5 run, $6 ids, $7 what is told, as merge patches, $8 whether the group is gone. An id occurs
/// once.
const TELL: &str = concatcp!(
    GUARD,
    ", told AS ( \
        SELECT u.id, u.patch, u.gone FROM guard \
            CROSS JOIN unnest($6::uuid[], $7::jsonb[], $8::boolean[]) AS u(id, patch, gone)), \
    known AS ( \
        SELECT t.id, t.gone, g.detail AS before, g.removed_at, g.fence, \
            jsonb_strip_nulls(coalesce(g.detail, '{}') || t.patch) AS detail \
        FROM told t LEFT JOIN directory_groups g ON g.tenant_id = $1 AND g.id = t.id), \
    went AS ( \
        UPDATE directory_groups g SET removed_at = clock_timestamp(), fence = $3 FROM known k \
        WHERE g.tenant_id = $1 AND g.id = k.id AND k.gone AND g.removed_at IS NULL RETURNING 1), \
    put AS ( \
        INSERT INTO directory_groups AS g (tenant_id, id, detail, fence) \
        SELECT $1, k.id, k.detail, $3 FROM known k \
        WHERE NOT k.gone AND k.detail->>'name' IS NOT NULL ORDER BY k.id \
        ON CONFLICT (tenant_id, id) DO UPDATE SET detail = EXCLUDED.detail, \
            fence = EXCLUDED.fence, removed_at = NULL, \
            changed_at = CASE WHEN g.detail = EXCLUDED.detail AND g.removed_at IS NULL \
                THEN g.changed_at ELSE clock_timestamp() END), \
    counted AS ( \
        SELECT count(*) FILTER (WHERE NOT k.gone AND k.detail->>'name' IS NOT NULL \
                AND k.fence IS DISTINCT FROM $3) AS seen, \
            count(*) FILTER (WHERE NOT k.gone AND k.before IS NULL \
                AND k.detail->>'name' IS NOT NULL) AS created, \
            count(*) FILTER (WHERE NOT k.gone AND k.before <> k.detail) AS changed, \
            count(*) FILTER (WHERE NOT k.gone AND k.removed_at IS NOT NULL) AS back, \
            (SELECT count(*) FROM went) AS removed, \
            count(*) FILTER (WHERE NOT k.gone AND k.detail->>'name' IS NULL) AS nameless \
        FROM known k)",
    TALLIED
);

/// $5 run, $6 how many at most. What a run with an older fence was told of last is not there any
/// more.
const MARK_ABSENT: &str = concatcp!(
    GUARD,
    ", absent AS ( \
        SELECT g.id FROM directory_groups g, guard \
        WHERE g.tenant_id = $1 AND g.removed_at IS NULL AND g.fence < $3 LIMIT $6), \
    went AS ( \
        UPDATE directory_groups g SET removed_at = clock_timestamp(), fence = $3 FROM absent a \
        WHERE g.tenant_id = $1 AND g.id = a.id RETURNING 1), \
    counted AS ( \
        SELECT 0::bigint AS seen, 0::bigint AS created, 0::bigint AS changed, 0::bigint AS back, \
            count(*) AS removed, 0::bigint AS nameless FROM went)",
    TALLIED
);

/// $5 run, $6 the link, $7 whether every group was told.
const READ_TO_END: &str = concatcp!(
    GUARD,
    ", counted AS ( \
        SELECT count(*) FILTER (WHERE g.removed_at IS NULL) AS present, \
            count(*) FILTER (WHERE g.removed_at IS NOT NULL) AS removed \
        FROM directory_groups g WHERE g.tenant_id = $1), \
    stored AS ( \
        INSERT INTO directory_group_readings AS r (tenant_id, delta_link, present, removed, \
            data_as_of, full_at, last_run) \
        SELECT $1, $6, c.present, c.removed, clock_timestamp(), clock_timestamp(), $5 \
        FROM guard, counted c \
        ON CONFLICT (tenant_id) DO UPDATE SET delta_link = EXCLUDED.delta_link, \
            present = EXCLUDED.present, removed = EXCLUDED.removed, \
            data_as_of = EXCLUDED.data_as_of, last_run = EXCLUDED.last_run, \
            full_at = CASE WHEN $7 THEN EXCLUDED.full_at ELSE r.full_at END)",
    HELD
);

#[derive(QueryableByName)]
struct EffectRow {
    #[diesel(sql_type = Bool)]
    held: bool,
    #[diesel(sql_type = BigInt)]
    seen: i64,
    #[diesel(sql_type = BigInt)]
    nameless: i64,
    #[diesel(sql_type = BigInt)]
    marked: i64,
    #[diesel(sql_type = BigInt)]
    created: i64,
    #[diesel(sql_type = BigInt)]
    changed: i64,
    #[diesel(sql_type = BigInt)]
    back: i64,
    #[diesel(sql_type = BigInt)]
    removed: i64,
}

impl EffectRow {
    /// What the run has changed so far, unless it has another owner.
    fn tally(&self) -> Result<GroupTally, WriteError> {
        if !self.held {
            return Err(WriteError::Lost);
        }
        Ok(GroupTally {
            created: self.created.unsigned_abs(),
            changed: self.changed.unsigned_abs(),
            back: self.back.unsigned_abs(),
            removed: self.removed.unsigned_abs(),
        })
    }
}

impl Store {
    /// Stores what a page told of groups; an id must occur once. Doing it twice changes nothing
    /// more. A group that the database refuses is left out, logged and returned.
    ///
    /// # Errors
    /// [`WriteError`]. Of several batches the earlier ones are stored then.
    pub async fn store_groups(
        &self,
        lease: &Lease,
        news: &[GroupNews],
    ) -> Result<GroupEffect, WriteError> {
        let mut halving = Halving::new(news, BATCH);
        let mut effect = GroupEffect::default();
        if news.is_empty() {
            // Of a page that tells nothing, what was done before is told all the same.
            self.store_group_batch(lease, &[], &mut effect).await?;
        }
        while let Some(batch) = halving.batch() {
            let error = match self.store_group_batch(lease, &batch, &mut effect).await {
                Ok(()) => continue,
                Err(WriteError::Lost) => return Err(WriteError::Lost),
                Err(WriteError::Store(error)) => error,
            };
            if halving.refused(batch, error)? == Next::Probe {
                self.store_group_batch(lease, &[], &mut effect).await?;
            }
        }
        for refused in halving.finish()? {
            let id = refused.row.id;
            tracing::error!(group = %id, cause = %Causes(&refused.error),
                "the database refused a group, which was left out");
            effect.refused.push(id);
        }
        Ok(effect)
    }

    async fn store_group_batch(
        &self,
        lease: &Lease,
        news: &[&GroupNews],
        total: &mut GroupEffect,
    ) -> Result<(), WriteError> {
        let ids: Vec<Uuid> = news.iter().map(|one| one.id.into_uuid()).collect();
        let patches: Vec<Value> = news
            .iter()
            .map(|one| match &one.tells {
                GroupTells::There(patch) => to_json(patch),
                GroupTells::Gone => Value::Object(serde_json::Map::new()),
            })
            .collect();
        let gone: Vec<bool> = news
            .iter()
            .map(|one| one.tells == GroupTells::Gone)
            .collect();
        let row: EffectRow = prepared(
            guarded!(TELL, lease)
                .bind::<SqlUuid, _>(lease.run_id.into_uuid())
                .bind::<Array<SqlUuid>, _>(ids)
                .bind::<Array<Jsonb>, _>(patches)
                .bind::<Array<Bool>, _>(gone),
        )
        .get_result(&mut self.connection().await?)
        .await
        .map_err(StoreError::from)?;
        total.so_far = row.tally()?;
        total.seen += row.seen.unsigned_abs();
        total.nameless += row.nameless.unsigned_abs();
        Ok(())
    }

    /// After a reading that told every group: marks up to [`MARKED_AT_ONCE`] groups as gone that it
    /// did not tell of. With fewer than that, they were the last of them.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn mark_groups_gone(&self, lease: &Lease) -> Result<MarkedGone, WriteError> {
        let row: EffectRow = prepared(
            guarded!(MARK_ABSENT, lease)
                .bind::<SqlUuid, _>(lease.run_id.into_uuid())
                .bind::<BigInt, _>(i64::from(MARKED_AT_ONCE)),
        )
        .get_result(&mut self.connection().await?)
        .await
        .map_err(StoreError::from)?;
        Ok(MarkedGone {
            so_far: row.tally()?,
            marked: row.marked.unsigned_abs(),
        })
    }

    /// Records that everything before `delta_link` is stored, so that the next reading goes on
    /// there. `full`: the reading told every group.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn groups_read_to_end(
        &self,
        lease: &Lease,
        delta_link: &str,
        full: bool,
    ) -> Result<(), WriteError> {
        let row: HeldRow = prepared(
            guarded!(READ_TO_END, lease)
                .bind::<SqlUuid, _>(lease.run_id.into_uuid())
                .bind::<Text, _>(delta_link)
                .bind::<Bool, _>(full),
        )
        .get_result(&mut self.connection().await?)
        .await
        .map_err(StoreError::from)?;
        row.check()
    }
}
