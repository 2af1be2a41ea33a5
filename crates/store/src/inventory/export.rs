//! What a tenant's items contain, now or at an earlier time, page by page for exports. A page holds a
//! connection only while it is read, and what it returns is bounded: a caller that is slow costs
//! nothing but the page that it has not taken yet.

mod rows;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use atlas_domain::ids::{ItemId, TenantId};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::AsyncPgConnection;
use serde_json::{Map, Value};
use uuid::Uuid;

pub use self::rows::ExportKey;

use self::rows::{
    Candidate, CurrentRow, ITEMS, PastRow, Start, add_links, bodies, candidates, current, sizes,
    versions,
};
use super::links::LinkView;
use super::versions::{Bodies, VersionSummary, contents};
use crate::error::StoreError;
use crate::pool::Store;

/// Bytes of a page at most, as they are stored. Read into memory they are several times as many. An item
/// that has more is a page of its own.
const BYTES: i64 = 256 << 10;
/// Which items to export.
#[derive(Debug, Clone, Default)]
pub struct ExportFilter {
    policy_types: BTreeSet<String>,
    as_of: Option<DateTime<Utc>>,
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
                let others = candidates
                    .iter()
                    .filter(|one| !one.row.version.is_valid(time));
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
            None => row.version.is_present(),
            Some(time) => row.version.is_valid(time),
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

impl ExportedItem {
    fn new(current: CurrentRow, past: Option<PastRow>, bodies: Bodies) -> Result<Self, StoreError> {
        let (content, assignments) = contents(bodies)?;
        let version = past
            .as_ref()
            .map_or_else(|| current.version.summary(), |past| past.version.summary());
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
