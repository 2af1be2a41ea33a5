//! Storing what was seen on a page. What stands already as it was seen, which is nearly everything
//! at most times, is only touched, in one statement that carries no content. What that leaves is
//! stored by a second one ([`STORE_DIFFERING`]).

use std::collections::BTreeMap;

use atlas_domain::causes::Causes;
use atlas_domain::inventory::Observation;
use atlas_domain::inventory::link::{Link, LinkSet, LinkSource};
use atlas_domain::limits::{LONGEST_LINK_TARGET, LONGEST_NAME, shortened};
use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::Lease;
use const_format::concatcp;
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid,
};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::differing::STORE_DIFFERING;
use super::stored_json::StoredJson;
use super::{BATCH, GUARD, PageEffect, PageStored, RefusedRow, TypeEffect, WriteError, guarded};
use crate::error::StoreError;
use crate::halving::{Halving, Next};
use crate::pool::Store;
use crate::prepared::prepared;

/// Joins scope tags on their way into the database; no tag id contains it.
const SEPARATOR: &str = "\u{1f}";
/// How often what another writer had in its hands is looked at again. Only an earlier try of the
/// same call can be that writer, so that once is enough.
const ROUNDS: u32 = 8;

/// $5 run, $6 to $19 columns of the observations. Touches what is there, is kept, and says the same
/// as when it was last seen, as far as the reading tells; gives the places of the others, from 1. The
/// row without a place says that the guard held.
const TOUCH: &str = concatcp!(
    GUARD,
    ", observed AS ( \
        SELECT * FROM unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[], \
            $11::bool[], $12::text[], $13::int[], $14::jsonb[], $15::bytea[], $16::bytea[], \
            $17::bytea[], $18::bytea[], $19::bytea[]) \
        WITH ORDINALITY AS o(policy_type, external_id, name, category, platform, foundation, \
            scope_tags, assignment_count, metadata, content_hash, assignments_hash, object_links, \
            assignment_links, related_links, at)), \
    touched AS ( \
        UPDATE inventory_items i SET name = o.name, category = o.category, platform = o.platform, \
            foundation = o.foundation, \
            scope_tags = coalesce(string_to_array(o.scope_tags, E'\\x1f'), i.scope_tags), \
            assignment_count = coalesce(o.assignment_count, i.assignment_count), \
            metadata = o.metadata, last_seen_at = clock_timestamp(), fence = $3, \
            last_seen_run = $5 \
        FROM observed o CROSS JOIN guard \
        WHERE i.tenant_id = $1 AND i.policy_type = o.policy_type \
            AND i.external_id = o.external_id AND i.fence <= $3 AND i.missing_since IS NULL \
            AND i.content_hash = o.content_hash \
            AND (o.assignments_hash IS NULL OR i.assignments_hash = o.assignments_hash) \
            AND (o.object_links IS NULL OR i.object_links = o.object_links) \
            AND (o.assignment_links IS NULL OR i.assignment_links = o.assignment_links) \
            AND (o.related_links IS NULL OR i.related_links = o.related_links) \
            AND EXISTS (SELECT 1 FROM inventory_contents c WHERE c.item_id = i.id) \
        RETURNING o.at) \
    SELECT o.at FROM observed o WHERE o.at NOT IN (SELECT t.at FROM touched t) \
    UNION ALL SELECT NULL FROM guard"
);

#[derive(QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = Nullable<BigInt>)]
    at: Option<i64>,
}

#[derive(QueryableByName)]
struct SettledRow {
    #[diesel(sql_type = Nullable<BigInt>)]
    at: Option<i64>,
    #[diesel(sql_type = Bool)]
    created: bool,
    #[diesel(sql_type = Bool)]
    changed: bool,
    #[diesel(sql_type = Bool)]
    reassigned: bool,
    #[diesel(sql_type = Bool)]
    back: bool,
}

impl Store {
    /// Stores what was seen on one page, with its links and with what changed. Storing the same
    /// again changes no count but `seen`. When one object stands in the page twice, the later one
    /// counts. A row that the database refuses is left out, logged and returned.
    ///
    /// What an observation does not tell stays as it stands: assignments that are absent, and the
    /// links of every source that it has no set for.
    ///
    /// # Errors
    /// [`WriteError`]; batches of 200 before the failing one stay stored.
    pub async fn store_page(
        &self,
        lease: &Lease,
        observations: &[Observation],
    ) -> Result<PageStored, WriteError> {
        let mut latest: BTreeMap<(PolicyTypeKey, &str), &Observation> = BTreeMap::new();
        for observation in observations {
            latest.insert(
                (observation.policy_type, &observation.external_id),
                observation,
            );
        }
        // Sorted by key: two writers lock rows in the same order.
        let mut halving = Halving::new(latest.into_values(), BATCH);
        let mut effect = PageEffect::new();
        while let Some(mut batch) = halving.batch() {
            let stored = self.store_batch(lease, &mut batch, &mut effect).await;
            let error = match stored {
                Ok(()) => continue,
                Err(WriteError::Lost) => return Err(WriteError::Lost),
                Err(WriteError::Store(error)) => error,
            };
            if halving.refused(batch, error)? == Next::Probe {
                self.touch(lease, Vec::new(), &mut effect).await?;
                self.store_differing(lease, Vec::new(), &mut effect).await?;
            }
        }
        let mut refused = Vec::new();
        for row in halving.finish()? {
            let (policy_type, external_id) = (row.row.policy_type, &row.row.external_id);
            tracing::error!(%policy_type, external_id, cause = %Causes(&row.error),
                "the database refused a row, which was left out");
            refused.push(RefusedRow {
                policy_type,
                external_id: external_id.clone(),
            });
        }
        Ok(PageStored { effect, refused })
    }

    /// Stores the rows of `batch`, which holds those that were not stored afterwards.
    async fn store_batch(
        &self,
        lease: &Lease,
        batch: &mut Vec<&Observation>,
        total: &mut PageEffect,
    ) -> Result<(), WriteError> {
        for _ in 0..ROUNDS {
            // Of two writers that wait for each other one is undone, and looks again.
            match self.touch(lease, batch.clone(), total).await {
                Err(WriteError::Store(StoreError::Deadlock(_))) => continue,
                left => *batch = left?,
            }
            if batch.is_empty() {
                return Ok(());
            }
            match self.store_differing(lease, batch.clone(), total).await {
                Err(WriteError::Store(StoreError::Deadlock(_))) => continue,
                left => *batch = left?,
            }
            if batch.is_empty() {
                return Ok(());
            }
        }
        let reason = "rows were written by somebody else again and again";
        Err(StoreError::Unavailable(reason.into()).into())
    }

    /// Touches what stands as it was seen, and gives back the rest.
    async fn touch<'a>(
        &self,
        lease: &Lease,
        batch: Vec<&'a Observation>,
        total: &mut PageEffect,
    ) -> Result<Vec<&'a Observation>, WriteError> {
        let columns = Columns::of(&batch);
        let rows: Vec<PlaceRow> = prepared(
            guarded!(TOUCH, lease)
                .bind::<SqlUuid, _>(lease.run_id.into_uuid())
                .bind::<Array<Text>, _>(columns.policy_types)
                .bind::<Array<Text>, _>(columns.external_ids)
                .bind::<Array<Text>, _>(columns.names)
                .bind::<Array<Text>, _>(columns.categories)
                .bind::<Array<Text>, _>(columns.platforms)
                .bind::<Array<Bool>, _>(columns.foundations)
                .bind::<Array<Nullable<Text>>, _>(columns.scope_tags)
                .bind::<Array<Nullable<Integer>>, _>(columns.assignment_counts)
                .bind::<Array<Jsonb>, _>(columns.metadata)
                .bind::<Array<Binary>, _>(columns.content_hashes)
                .bind::<Array<Nullable<Binary>>, _>(columns.assignments_hashes)
                .bind::<Array<Nullable<Binary>>, _>(columns.object_links)
                .bind::<Array<Nullable<Binary>>, _>(columns.assignment_links)
                .bind::<Array<Nullable<Binary>>, _>(columns.related_links),
        )
        .load(&mut self.connection().await?)
        .await
        .map_err(StoreError::from)?;
        let mut left = vec![false; batch.len()];
        let mut held = false;
        for row in rows {
            match row.at.and_then(index) {
                Some(at) => left[at] = true,
                None => held = true,
            }
        }
        if !held {
            return Err(WriteError::Lost);
        }
        for (observation, _) in batch.iter().zip(&left).filter(|(_, left)| !**left) {
            total.entry(observation.policy_type).or_default().seen += 1;
        }
        Ok(kept(batch, &left))
    }

    /// Stores what is new or differs, and gives back what somebody else wrote meanwhile.
    async fn store_differing<'a>(
        &self,
        lease: &Lease,
        batch: Vec<&'a Observation>,
        total: &mut PageEffect,
    ) -> Result<Vec<&'a Observation>, WriteError> {
        let columns = Columns::of(&batch);
        let ids: Vec<Uuid> = batch.iter().map(|_| self.mint()).collect();
        let changes: Vec<Uuid> = std::iter::repeat_with(|| self.mint())
            .take(3 * batch.len())
            .collect();
        let content = column(&batch, |o| StoredJson::of(&o.content));
        let assignments = column(&batch, |o| o.assignments.as_ref().map(StoredJson::of));
        let links = LinkColumns::of(&batch, || self.mint());
        let former_content = column(&batch, |o| o.former_content_hash.as_ref().map(as_bytes));
        let former_assignments =
            column(&batch, |o| o.former_assignments_hash.as_ref().map(as_bytes));
        let rows: Vec<SettledRow> = prepared(
            guarded!(STORE_DIFFERING, lease)
                .bind::<SqlUuid, _>(lease.run_id.into_uuid())
                .bind::<Array<SqlUuid>, _>(ids)
                .bind::<Array<Text>, _>(columns.policy_types)
                .bind::<Array<Text>, _>(columns.external_ids)
                .bind::<Array<Text>, _>(columns.names)
                .bind::<Array<Text>, _>(columns.categories)
                .bind::<Array<Text>, _>(columns.platforms)
                .bind::<Array<Bool>, _>(columns.foundations)
                .bind::<Array<Nullable<Text>>, _>(columns.scope_tags)
                .bind::<Array<Nullable<Integer>>, _>(columns.assignment_counts)
                .bind::<Array<Jsonb>, _>(columns.metadata)
                .bind::<Array<Binary>, _>(columns.content_hashes)
                .bind::<Array<Nullable<Binary>>, _>(columns.assignments_hashes)
                .bind::<Array<Nullable<Binary>>, _>(columns.object_links)
                .bind::<Array<Nullable<Binary>>, _>(columns.assignment_links)
                .bind::<Array<Nullable<Binary>>, _>(columns.related_links)
                .bind::<Array<Jsonb>, _>(content)
                .bind::<Array<Nullable<Jsonb>>, _>(assignments)
                .bind::<Array<SqlUuid>, _>(changes)
                .bind::<Array<BigInt>, _>(links.places)
                .bind::<Array<SqlUuid>, _>(links.ids)
                .bind::<Array<Text>, _>(links.sources)
                .bind::<Array<Text>, _>(links.kinds)
                .bind::<Array<Text>, _>(links.target_kinds)
                .bind::<Array<Text>, _>(links.target_ids)
                .bind::<Array<Jsonb>, _>(links.qualifiers)
                .bind::<Array<Nullable<Binary>>, _>(former_content)
                .bind::<Array<Nullable<Binary>>, _>(former_assignments),
        )
        .load(&mut self.connection().await?)
        .await
        .map_err(StoreError::from)?;
        let mut left = vec![true; batch.len()];
        let mut held = false;
        for row in rows {
            let Some(at) = row.at.and_then(index) else {
                held = true;
                continue;
            };
            left[at] = false;
            *total.entry(batch[at].policy_type).or_default() += TypeEffect {
                seen: 1,
                created: row.created.into(),
                changed: row.changed.into(),
                reassigned: row.reassigned.into(),
                back: row.back.into(),
            };
        }
        if !held {
            return Err(WriteError::Lost);
        }
        Ok(kept(batch, &left))
    }
}

/// A place from 1 as an index.
fn index(at: i64) -> Option<usize> {
    usize::try_from(at).ok()?.checked_sub(1)
}

fn kept<'a>(batch: Vec<&'a Observation>, left: &[bool]) -> Vec<&'a Observation> {
    let rows = batch.into_iter().zip(left);
    rows.filter_map(|(row, left)| left.then_some(row)).collect()
}

/// The columns that both statements store.
struct Columns<'a> {
    policy_types: Vec<&'static str>,
    external_ids: Vec<String>,
    names: Vec<String>,
    categories: Vec<&'static str>,
    platforms: Vec<String>,
    foundations: Vec<bool>,
    scope_tags: Vec<Option<String>>,
    assignment_counts: Vec<Option<i32>>,
    metadata: Vec<StoredJson<'a>>,
    content_hashes: Vec<&'a [u8]>,
    assignments_hashes: Vec<Option<&'a [u8]>>,
    object_links: Vec<Option<Vec<u8>>>,
    assignment_links: Vec<Option<Vec<u8>>>,
    related_links: Vec<Option<Vec<u8>>>,
}

impl<'a> Columns<'a> {
    fn of(batch: &[&'a Observation]) -> Self {
        let digests = |source: LinkSource| {
            let told = |o: &&Observation| {
                let set = o.links.iter().find(|set| set.source == source)?;
                Some(set.digest().to_vec())
            };
            batch.iter().map(told).collect()
        };
        Self {
            policy_types: column(batch, |o| o.policy_type.as_str()),
            external_ids: column(batch, |o| storable(&o.external_id)),
            names: column(batch, |o| {
                shortened(&storable(&o.name), LONGEST_NAME).to_owned()
            }),
            categories: column(batch, |o| o.policy_type.describe().category.as_str()),
            platforms: column(batch, |o| storable(&o.platform)),
            foundations: column(batch, |o| o.policy_type.describe().foundation),
            scope_tags: column(batch, |o| {
                let tags = o.scope_tags.as_ref()?;
                Some(storable(&tags.join(SEPARATOR)))
            }),
            assignment_counts: column(batch, |o| o.assignment_count),
            metadata: column(batch, |o| StoredJson::of(&o.metadata)),
            content_hashes: column(batch, |o| o.content_hash.as_slice()),
            assignments_hashes: column(batch, |o| o.assignments_hash.as_ref().map(as_bytes)),
            object_links: digests(LinkSource::Object),
            assignment_links: digests(LinkSource::Assignments),
            related_links: digests(LinkSource::Related),
        }
    }
}

fn column<'a, T>(batch: &[&'a Observation], pick: impl Fn(&'a Observation) -> T) -> Vec<T> {
    batch.iter().map(|observation| pick(observation)).collect()
}

const fn as_bytes(hash: &[u8; 32]) -> &[u8] {
    hash
}

/// The links of a batch, each with the place of its item from 1.
#[derive(Default)]
struct LinkColumns {
    places: Vec<i64>,
    ids: Vec<Uuid>,
    sources: Vec<&'static str>,
    kinds: Vec<&'static str>,
    target_kinds: Vec<&'static str>,
    target_ids: Vec<String>,
    qualifiers: Vec<Value>,
}

impl LinkColumns {
    fn of(batch: &[&Observation], mint: impl Fn() -> Uuid) -> Self {
        let mut columns = Self::default();
        for (place, observation) in (1..).zip(batch) {
            for LinkSet { source, links } in &observation.links {
                for link in links {
                    if link.target.id.len() > LONGEST_LINK_TARGET {
                        tracing::warn!(kind = %link.kind, "a link's target has too long an id");
                        continue;
                    }
                    columns.push(place, mint(), *source, link);
                }
            }
        }
        columns
    }

    fn push(&mut self, place: i64, id: Uuid, source: LinkSource, link: &Link) {
        self.places.push(place);
        self.ids.push(id);
        self.sources.push(source.as_str());
        self.kinds.push(link.kind.as_str());
        self.target_kinds.push(link.target.kind.as_str());
        self.target_ids.push(storable(&link.target.id));
        let members = link.qualifier.iter();
        self.qualifiers.push(Value::Object(
            members
                .map(|(name, value)| (storable(name), Value::String(storable(value))))
                .collect(),
        ));
    }
}

/// PostgreSQL's text cannot hold the character NUL; names from outside can.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
