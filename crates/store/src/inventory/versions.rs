//! What items say and said, version by version. The current version stands with the item, the ones
//! before it in `inventory_versions`. The tenant comes first: there is no finder without one.

mod actors;
mod rows;

use std::iter;

use atlas_domain::ids::{ItemId, RunId, TenantId};
use atlas_domain::inventory::actor::MadeBy;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value};

pub(super) use self::rows::{Bodies, CurrentVersion, PastVersion};

use self::rows::{current_row, find};
use super::ItemName;
use crate::error::StoreError;
use crate::keyset::{Direction, beyond, ordered};
use crate::page::PageRequest;
use crate::pool::Store;
use crate::schema::inventory_versions;

/// An item between two moments, without what it said.
#[derive(Debug, Clone)]
pub struct VersionSummary {
    /// From 1; each version has one more than the one before.
    pub number: i32,
    /// When a sync first saw it. Of version 1 of an item that was stored before versions were kept: when
    /// it last changed.
    pub valid_from: DateTime<Utc>,
    /// When a sync saw the next version, or that the item was gone; absent while it is valid.
    pub valid_to: Option<DateTime<Utc>>,
    /// The run that first saw it, when that is known.
    pub run: Option<RunId>,
    /// The item's name then.
    pub name: String,
    /// Who made the changes that began it, as long as these are kept. Absent in exports.
    pub made_by: Option<MadeBy>,
}

/// An item between two moments, with what it said.
#[derive(Debug, Clone)]
pub struct ItemVersion {
    pub item: ItemName,
    pub version: VersionSummary,
    /// From JSON pointer to value, with what the item sets beside its list row as far as that was read;
    /// absent when no content was kept.
    pub content: Option<Map<String, Value>>,
    /// In their normal form; absent when they are not known.
    pub assignments: Option<Vec<Value>>,
}

/// Which version of an item to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichVersion {
    /// The newest, which is the item's last one if it is gone.
    Current,
    Number(i32),
    /// The one that was valid then.
    AsOf(DateTime<Utc>),
}

impl Store {
    /// An item's versions, the newest first, with their actors; `None` when the tenant has no such item.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn item_versions(
        &self,
        tenant: TenantId,
        item: ItemId,
        page: PageRequest<i32>,
    ) -> Result<Option<Vec<VersionSummary>>, StoreError> {
        let number = (inventory_versions::number,);
        let direction = page.reads(Direction::Descending);
        let found = self
            .read(async |connection| {
                let Some(current) = current_row(connection, tenant, item).await? else {
                    return Ok(None);
                };
                let mut past = inventory_versions::table
                    .filter(inventory_versions::item_id.eq(item.into_uuid()))
                    .select(PastVersion::as_select())
                    .into_boxed()
                    .order(ordered(number, direction))
                    .limit(page.limit);
                if let Some(place) = page.key() {
                    past = past.filter(beyond(number, (*place,), direction));
                }
                let past: Vec<PastVersion> = past.load(connection).await?;
                Ok(Some((current.version, past)))
            })
            .await?;
        let Some((current, past)) = found else {
            return Ok(None);
        };
        // Versions that ended meanwhile are above the current one that was read before them.
        let past = page.in_list_order(past);
        let past = past.iter().filter(|past| past.number < current.version);
        let versions = iter::once(current.summary()).chain(past.map(PastVersion::summary));
        let versions = page.cut(versions.collect(), |version, place| {
            place.cmp(&version.number)
        });
        self.with_actors(tenant, item, versions).await.map(Some)
    }

    /// A version of an item; `None` when the tenant has no such item, or the item no such version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn item_version(
        &self,
        tenant: TenantId,
        item: ItemId,
        which: WhichVersion,
    ) -> Result<Option<ItemVersion>, StoreError> {
        let found = self
            .read(async |connection| find(connection, tenant, item, which).await)
            .await?;
        let Some((name, version, bodies)) = found else {
            return Ok(None);
        };
        let (content, assignments) = contents(bodies)?;
        let version = self.with_actors(tenant, item, vec![version]).await?.pop();
        Ok(version.map(|version| ItemVersion {
            item: name,
            version,
            content,
            assignments,
        }))
    }
}

/// A content and assignments, as far as they are known.
pub(super) type Contents = (Option<Map<String, Value>>, Option<Vec<Value>>);

/// The content, what the item sets beside its list row among it, and the assignments.
pub(super) fn contents((content, values, assignments): Bodies) -> Result<Contents, StoreError> {
    let corrupt = |error| StoreError::corrupt("version", error);
    let values: Option<Map<_, _>> = values
        .map(serde_json::from_value)
        .transpose()
        .map_err(corrupt)?;
    let content: Option<Map<_, _>> = content
        .map(serde_json::from_value)
        .transpose()
        .map_err(corrupt)?;
    let content = content.map(|mut content| {
        content.extend(values.into_iter().flatten());
        content
    });
    let assignments = assignments
        .map(serde_json::from_value)
        .transpose()
        .map_err(corrupt)?;
    Ok((content, assignments))
}
