//! What a tenant's items contain, now or at an earlier time, page by page for exports. A page holds a
//! connection only while it is read, and what it returns is bounded: a caller that is slow costs
//! nothing but the page that it has not taken yet.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use atlas_domain::ids::{ItemId, RunId, TenantId};
use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::links::LinkView;
use super::versions::{Bodies, VersionSummary, contents};
use crate::error::StoreError;
use crate::functions::pg_column_size;
use crate::keyset::after;
use crate::pool::Store;
use crate::schema::{
    inventory_bodies, inventory_contents, inventory_items, inventory_links, inventory_versions,
};

/// Items of a page at most.
const ITEMS: i64 = 100;
/// Bytes of a page at most, as they are stored. Read into memory they are several times as many. An item
/// that has more is a page of its own.
const BYTES: i64 = 256 << 10;
/// About what a link takes.
const LINK_BYTES: i64 = 256;

/// Which items to export.
#[derive(Debug, Clone, Default)]
pub struct ExportFilter {
    policy_types: BTreeSet<String>,
    as_of: Option<DateTime<Utc>>,
}

/// The item after which an export continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportKey {
    policy_type: String,
    external_id: String,
}

/// A part of an export.
#[derive(Debug, Clone)]
pub struct ExportPage {
    /// By policy type and external id. There may be none although more follow.
    pub items: Vec<ExportedItem>,
    /// Where the next page begins; absent after the last one.
    pub next: Option<ExportKey>,
}

/// An item with all that is known of it at one time.
#[derive(Debug, Clone)]
pub struct ExportedItem {
    pub id: ItemId,
    /// Key of its policy type.
    pub policy_type: String,
    /// Its id in Microsoft Graph.
    pub external_id: String,
    /// Its policy type's category.
    pub category: String,
    /// Whether it is a foundation: an object that policies depend on.
    pub foundation: bool,
    pub platform: String,
    /// Scope tag ids.
    pub scope_tags: Vec<String>,
    /// Small, safe facts about it.
    pub metadata: Value,
    /// The version, with the name that the item had in it.
    pub version: VersionSummary,
    /// From JSON pointer to value; absent when no content was kept.
    pub content: Option<Map<String, Value>>,
    /// In their normal form; absent when they are not known.
    pub assignments: Option<Vec<Value>>,
    /// Its links, by target; absent at an earlier time, because of links only the current ones are kept.
    pub links: Option<Vec<LinkView>>,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = inventory_items, check_for_backend(Pg))]
struct CurrentRow {
    id: Uuid,
    policy_type: String,
    external_id: String,
    name: String,
    category: String,
    foundation: bool,
    platform: String,
    scope_tags: Vec<String>,
    metadata: Value,
    version: i32,
    version_run: Option<Uuid>,
    changed_at: DateTime<Utc>,
    present_since: Option<DateTime<Utc>>,
    missing_since: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = inventory_versions, check_for_backend(Pg))]
struct PastRow {
    item_id: Uuid,
    number: i32,
    name: String,
    platform: String,
    scope_tags: Vec<String>,
    metadata: Value,
    valid_from: DateTime<Utc>,
    valid_to: DateTime<Utc>,
    run_id: Option<Uuid>,
    content_hash: Option<Vec<u8>>,
    values_hash: Option<Vec<u8>>,
    assignments_hash: Option<Vec<u8>>,
}

/// An item of the page, with what its current content takes.
struct Candidate {
    row: CurrentRow,
    bytes: i64,
}

const KEY: (inventory_items::policy_type, inventory_items::external_id) =
    (inventory_items::policy_type, inventory_items::external_id);

impl Store {
    /// The items that exist, or existed at the time of the filter, after `from`. Versions that
    /// retention has deleted are not there any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn export_page(
        &self,
        tenant: TenantId,
        filter: &ExportFilter,
        from: Option<&ExportKey>,
    ) -> Result<ExportPage, StoreError> {
        let Some(start) = filter.start(from) else {
            return Ok(ExportPage {
                items: Vec::new(),
                next: None,
            });
        };
        let (found, next) = self
            .read(async |connection| filter.page(connection, tenant, &start).await)
            .await?;
        let ids: Vec<Uuid> = found.iter().map(|(row, ..)| row.id).collect();
        let mut links: HashMap<ItemId, Vec<LinkView>> = HashMap::new();
        if filter.as_of.is_none() && !ids.is_empty() {
            for link in self.links_from(tenant, ids).await? {
                links.entry(link.item.id).or_default().push(link);
            }
        }
        let items = found.into_iter().map(|(current, past, bodies)| {
            let mut item = ExportedItem::new(current, past, bodies)?;
            item.links = filter
                .as_of
                .is_none()
                .then(|| links.remove(&item.id).unwrap_or_default());
            Ok(item)
        });
        Ok(ExportPage {
            items: items.collect::<Result<_, StoreError>>()?,
            next,
        })
    }
}

/// An item, the version that it had when that is not the current one, and what that contains.
type Found = (CurrentRow, Option<PastRow>, Bodies);

/// Where a page begins.
enum Start {
    Beginning,
    After(ExportKey),
    /// Within one of the types that were asked for, after this id.
    OfType(ExportKey),
}

impl ExportFilter {
    /// All items, or those of these policy types, as they are now or were at an earlier time.
    #[must_use]
    pub fn new(
        policy_types: impl IntoIterator<Item = String>,
        as_of: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            policy_types: policy_types.into_iter().collect(),
            as_of,
        }
    }

    /// Types that were asked for are read one by one, each in its own part of the index.
    fn start(&self, from: Option<&ExportKey>) -> Option<Start> {
        if self.policy_types.is_empty() {
            return Some(from.map_or(Start::Beginning, |key| Start::After(key.clone())));
        }
        let key = match from {
            Some(key) => key.clone(),
            None => ExportKey::before(self.policy_types.iter().next()?),
        };
        Some(Start::OfType(key))
    }

    /// Where the page after a page continues that is the last one of its start.
    fn after_end(&self, start: &Start) -> Option<ExportKey> {
        let Start::OfType(key) = start else {
            return None;
        };
        let later = |one: &&String| **one > key.policy_type;
        self.policy_types
            .iter()
            .find(later)
            .map(|key| ExportKey::before(key))
    }

    async fn page(
        &self,
        connection: &mut AsyncPgConnection,
        tenant: TenantId,
        start: &Start,
    ) -> QueryResult<(Vec<Found>, Option<ExportKey>)> {
        let mut candidates = candidates(connection, tenant, start, self.as_of.is_none()).await?;
        let read = candidates.len();
        let past = match self.as_of {
            None => {
                add_links(connection, &mut candidates).await?;
                HashMap::new()
            }
            Some(time) => {
                let others = candidates.iter().filter(|one| !one.row.is_valid(time));
                let others = others.map(|one| one.row.id).collect();
                versions(connection, others, time).await?
            }
        };
        let sizes = sizes(connection, tenant, &past).await?;
        candidates.truncate(fitting(&candidates, &past, &sizes));
        let is_cut = candidates.len() < read || i64::try_from(read).is_ok_and(|read| read >= ITEMS);
        let next = match candidates.last() {
            Some(last) if is_cut => Some(last.row.key()),
            _ => self.after_end(start),
        };
        let found = self.read(connection, tenant, candidates, past).await?;
        Ok((found, next))
    }

    /// What the candidates contain. An item that a sync changes meanwhile has the version of the time in
    /// the past by then.
    async fn read(
        &self,
        connection: &mut AsyncPgConnection,
        tenant: TenantId,
        candidates: Vec<Candidate>,
        mut past: HashMap<Uuid, PastRow>,
    ) -> QueryResult<Vec<Found>> {
        let is_current = |row: &CurrentRow| match self.as_of {
            None => row.missing_since.is_none(),
            Some(time) => row.is_valid(time),
        };
        let valid = candidates.iter().filter(|one| is_current(&one.row));
        let valid = valid.map(|one| one.row.id).collect();
        let mut current = current(connection, valid).await?;
        current.retain(|_, (row, _)| is_current(row));
        if let Some(time) = self.as_of {
            let ids = candidates.iter().map(|one| one.row.id);
            let changed = ids.filter(|id| !current.contains_key(id) && !past.contains_key(id));
            past.extend(versions(connection, changed.collect(), time).await?);
        }
        let kept: BTreeSet<Uuid> = candidates.iter().map(|one| one.row.id).collect();
        past.retain(|id, _| kept.contains(id) && !current.contains_key(id));
        let bodies = bodies(connection, tenant, &past).await?;
        let found = candidates.into_iter().filter_map(|candidate| {
            if let Some((row, bodies)) = current.remove(&candidate.row.id) {
                return Some((row, None, bodies));
            }
            let past = past.remove(&candidate.row.id)?;
            // Retention has deleted the version meanwhile when one is not there.
            let body = |hash: &Option<Vec<u8>>| match hash {
                None => Some(None),
                Some(hash) => bodies.get(hash).map(|body| Some(body.clone())),
            };
            let bodies = (
                body(&past.content_hash)?,
                body(&past.values_hash)?,
                body(&past.assignments_hash)?,
            );
            Some((candidate.row, Some(past), bodies))
        });
        Ok(found.collect())
    }
}

/// How many of the candidates fit into a page; one at least.
fn fitting(
    candidates: &[Candidate],
    past: &HashMap<Uuid, PastRow>,
    sizes: &BTreeMap<Vec<u8>, i64>,
) -> usize {
    let mut total = 0;
    let fits = candidates.iter().enumerate().take_while(|(at, one)| {
        total += past.get(&one.row.id).map_or(one.bytes, |version| {
            let hashes = version.hashes();
            hashes.filter_map(|hash| sizes.get(hash)).sum()
        });
        *at == 0 || total <= BYTES
    });
    fits.count()
}

/// The next items by key, with what their current content takes.
async fn candidates(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    start: &Start,
    only_present: bool,
) -> QueryResult<Vec<Candidate>> {
    let mut query = inventory_items::table
        .left_join(inventory_contents::table)
        .filter(inventory_items::tenant_id.eq(tenant.into_uuid()))
        .order(KEY)
        .limit(ITEMS)
        .select((
            CurrentRow::as_select(),
            (
                pg_column_size(inventory_contents::content.nullable()),
                pg_column_size(inventory_contents::value_fields.nullable()),
                pg_column_size(inventory_contents::assignments.nullable()),
            ),
        ))
        .into_boxed();
    match start {
        Start::Beginning => {}
        Start::After(key) => {
            let last = (key.policy_type.clone(), key.external_id.clone());
            query = query.filter(after(KEY, last));
        }
        Start::OfType(key) => {
            query = query
                .filter(inventory_items::policy_type.eq(key.policy_type.clone()))
                .filter(inventory_items::external_id.gt(key.external_id.clone()));
        }
    }
    if only_present {
        query = query.filter(inventory_items::missing_since.is_null());
    }
    let rows: Vec<(CurrentRow, Lengths)> = query.load(connection).await?;
    let candidate = |(row, (content, values, assignments))| Candidate {
        row,
        bytes: [content, values, assignments]
            .into_iter()
            .flatten()
            .map(i64::from)
            .sum(),
    };
    Ok(rows.into_iter().map(candidate).collect())
}

/// Adds what the links of the candidates take.
async fn add_links(
    connection: &mut AsyncPgConnection,
    candidates: &mut [Candidate],
) -> QueryResult<()> {
    let ids: Vec<Uuid> = candidates.iter().map(|one| one.row.id).collect();
    let counts: Vec<(Uuid, i64)> = inventory_links::table
        .filter(inventory_links::item_id.eq_any(ids))
        .group_by(inventory_links::item_id)
        .select((inventory_links::item_id, count_star()))
        .load(connection)
        .await?;
    let counts: HashMap<Uuid, i64> = counts.into_iter().collect();
    for one in candidates {
        one.bytes += counts
            .get(&one.row.id)
            .map_or(0, |count| count * LINK_BYTES);
    }
    Ok(())
}

/// The versions before the current one that were valid at the time, by item.
async fn versions(
    connection: &mut AsyncPgConnection,
    items: Vec<Uuid>,
    time: DateTime<Utc>,
) -> QueryResult<HashMap<Uuid, PastRow>> {
    if items.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<PastRow> = inventory_versions::table
        .filter(inventory_versions::item_id.eq_any(items))
        .filter(inventory_versions::valid_from.le(time))
        .filter(inventory_versions::valid_to.gt(time))
        .select(PastRow::as_select())
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.item_id, row)).collect())
}

/// What the bodies of the versions take, by hash.
async fn sizes(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    versions: &HashMap<Uuid, PastRow>,
) -> QueryResult<BTreeMap<Vec<u8>, i64>> {
    let Some(hashes) = hashes(versions) else {
        return Ok(BTreeMap::new());
    };
    let sizes: Vec<(Vec<u8>, Option<i32>)> = inventory_bodies::table
        .filter(inventory_bodies::tenant_id.eq(tenant.into_uuid()))
        .filter(inventory_bodies::hash.eq_any(hashes))
        .select((
            inventory_bodies::hash,
            pg_column_size(inventory_bodies::body.nullable()),
        ))
        .load(connection)
        .await?;
    let sizes = sizes.into_iter();
    Ok(sizes
        .map(|(hash, bytes)| (hash, i64::from(bytes.unwrap_or(0))))
        .collect())
}

/// The bodies of the versions, by hash.
async fn bodies(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    versions: &HashMap<Uuid, PastRow>,
) -> QueryResult<BTreeMap<Vec<u8>, Value>> {
    let Some(hashes) = hashes(versions) else {
        return Ok(BTreeMap::new());
    };
    let bodies: Vec<(Vec<u8>, Value)> = inventory_bodies::table
        .filter(inventory_bodies::tenant_id.eq(tenant.into_uuid()))
        .filter(inventory_bodies::hash.eq_any(hashes))
        .select((inventory_bodies::hash, inventory_bodies::body))
        .load(connection)
        .await?;
    Ok(bodies.into_iter().collect())
}

/// The hashes of the versions, each once; nothing when there are none.
fn hashes(versions: &HashMap<Uuid, PastRow>) -> Option<BTreeSet<Vec<u8>>> {
    let hashes: BTreeSet<Vec<u8>> = versions
        .values()
        .flat_map(PastRow::hashes)
        .cloned()
        .collect();
    (!hashes.is_empty()).then_some(hashes)
}

/// Items with their current contents, by id.
async fn current(
    connection: &mut AsyncPgConnection,
    items: Vec<Uuid>,
) -> QueryResult<HashMap<Uuid, (CurrentRow, Bodies)>> {
    let rows: Vec<(CurrentRow, Bodies)> = inventory_items::table
        .left_join(inventory_contents::table)
        .filter(inventory_items::id.eq_any(items))
        .select((
            CurrentRow::as_select(),
            (
                inventory_contents::content.nullable(),
                inventory_contents::value_fields.nullable(),
                inventory_contents::assignments.nullable(),
            ),
        ))
        .load(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(row, bodies)| (row.id, (row, bodies)))
        .collect())
}

/// Bytes of a content, of values and of assignments.
type Lengths = (Option<i32>, Option<i32>, Option<i32>);

impl ExportKey {
    /// Before all items of the type.
    fn before(policy_type: &str) -> Self {
        Self {
            policy_type: policy_type.to_owned(),
            external_id: String::new(),
        }
    }
}

impl CurrentRow {
    fn key(&self) -> ExportKey {
        ExportKey {
            policy_type: self.policy_type.clone(),
            external_id: self.external_id.clone(),
        }
    }

    fn valid_from(&self) -> DateTime<Utc> {
        self.present_since
            .map_or(self.changed_at, |back| back.max(self.changed_at))
    }

    /// Whether the current version was valid at the time.
    fn is_valid(&self, time: DateTime<Utc>) -> bool {
        self.valid_from() <= time && self.missing_since.is_none_or(|end| end > time)
    }

    fn summary(&self) -> VersionSummary {
        VersionSummary {
            number: self.version,
            valid_from: self.valid_from(),
            valid_to: self.missing_since,
            run: self.version_run.map(RunId::from_uuid),
            name: self.name.clone(),
        }
    }
}

impl PastRow {
    fn hashes(&self) -> impl Iterator<Item = &Vec<u8>> {
        let hashes = [
            &self.content_hash,
            &self.values_hash,
            &self.assignments_hash,
        ];
        hashes.into_iter().flatten()
    }

    fn summary(&self) -> VersionSummary {
        VersionSummary {
            number: self.number,
            valid_from: self.valid_from,
            valid_to: Some(self.valid_to),
            run: self.run_id.map(RunId::from_uuid),
            name: self.name.clone(),
        }
    }
}

impl ExportedItem {
    fn new(current: CurrentRow, past: Option<PastRow>, bodies: Bodies) -> Result<Self, StoreError> {
        let (content, assignments) = contents(bodies)?;
        let version = past
            .as_ref()
            .map_or_else(|| current.summary(), PastRow::summary);
        let (platform, scope_tags, metadata) = match past {
            Some(past) => (past.platform, past.scope_tags, past.metadata),
            None => (current.platform, current.scope_tags, current.metadata),
        };
        Ok(Self {
            id: ItemId::from_uuid(current.id),
            policy_type: current.policy_type,
            external_id: current.external_id,
            category: current.category,
            foundation: current.foundation,
            platform,
            scope_tags,
            metadata,
            version,
            content,
            assignments,
            links: None,
        })
    }
}
