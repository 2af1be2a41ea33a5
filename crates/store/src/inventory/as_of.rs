//! Items as they were known at an earlier time. The tenant comes first: there is no finder without one.
//!
//! An item's version of that time is the current one, which stands with the item, or one that ended
//! since then. A list is ordered by the names of that time, and so made of both: pages stay as they are while
//! syncs go on, because a version that ends keeps its name.

mod keys;
mod readings;

use std::collections::HashMap;

use atlas_domain::ids::{ItemId, TenantId};
use chrono::{DateTime, Utc};
use diesel::dsl::min;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

pub use self::readings::TypeReading;

use super::read::ItemFilter;
use super::versions::{CurrentVersion, PastVersion, VersionSummary};
use crate::error::StoreError;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::schema::{inventory_items, inventory_type_summaries, inventory_versions};

/// An item as it was known at an earlier time.
#[derive(Debug, Clone)]
pub struct PastItem {
    /// Our id.
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
    /// How many assignments it had, when known.
    pub assignment_count: Option<i32>,
    /// Small, safe facts about it.
    pub metadata: Value,
    /// Absent when no content was kept of the version.
    pub content_hash: Option<Vec<u8>>,
    pub first_seen_at: DateTime<Utc>,
    /// The version, with the name that the item had in it.
    pub version: VersionSummary,
}

/// What an item's row says that no version changes.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = inventory_items, check_for_backend(Pg))]
struct Standing {
    id: Uuid,
    policy_type: String,
    external_id: String,
    category: String,
    foundation: bool,
    first_seen_at: DateTime<Utc>,
}

/// What belongs to the current version.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = inventory_items, check_for_backend(Pg))]
struct CurrentRow {
    #[diesel(embed)]
    standing: Standing,
    platform: String,
    scope_tags: Vec<String>,
    assignment_count: Option<i32>,
    metadata: Value,
    content_hash: Vec<u8>,
    #[diesel(embed)]
    version: CurrentVersion,
}

/// What belongs to a version that has ended.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = inventory_versions, check_for_backend(Pg))]
struct EndedRow {
    platform: String,
    scope_tags: Vec<String>,
    assignment_count: Option<i32>,
    metadata: Value,
    content_hash: Option<Vec<u8>>,
    #[diesel(embed)]
    version: PastVersion,
}

impl Store {
    /// A tenant's items that existed at this time, by the names that they had. A filter for missing ones
    /// matches nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn items_as_of(
        &self,
        tenant: TenantId,
        filter: &ItemFilter,
        time: DateTime<Utc>,
        page: PageRequest<(String, ItemId)>,
    ) -> Result<Vec<PastItem>, StoreError> {
        if filter.missing == Some(true) {
            return Ok(Vec::new());
        }
        self.read(async |connection| {
            let ids = keys::page(connection, tenant, filter, time, &page).await?;
            let mut items = versions(connection, tenant, &ids, time).await?;
            Ok(ids.iter().filter_map(|id| items.remove(id)).collect())
        })
        .await
    }

    /// An item of a tenant as it was known at this time; `None` when it did not exist then, or its
    /// version of that time is not kept any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn item_as_of(
        &self,
        tenant: TenantId,
        item: ItemId,
        time: DateTime<Utc>,
    ) -> Result<Option<PastItem>, StoreError> {
        let ids = [item.into_uuid()];
        let mut found = self
            .read(async |connection| versions(connection, tenant, &ids, time).await)
            .await?;
        Ok(found.remove(&item.into_uuid()))
    }

    /// Since when something of the tenant is stored; `None` when nothing is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stored_since(
        &self,
        tenant: TenantId,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let first = inventory_type_summaries::table
            .filter(inventory_type_summaries::tenant_id.eq(tenant.into_uuid()))
            .select(min(inventory_type_summaries::stored_since));
        self.read(async |connection| first.get_result(connection).await)
            .await
    }
}

/// These items at this time, as far as they existed.
async fn versions(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    ids: &[Uuid],
    time: DateTime<Utc>,
) -> QueryResult<HashMap<Uuid, PastItem>> {
    let mut found = ended(connection, tenant, ids, time).await?;
    let others = |found: &HashMap<Uuid, PastItem>| -> Vec<Uuid> {
        let others = ids.iter().filter(|id| !found.contains_key(*id));
        others.copied().collect()
    };
    let rows: Vec<CurrentRow> = inventory_items::table
        .filter(inventory_items::id.eq_any(others(&found)))
        .filter(inventory_items::tenant_id.eq(tenant.into_uuid()))
        .select(CurrentRow::as_select())
        .load(connection)
        .await?;
    let valid = rows.into_iter().filter(|row| row.version.is_valid(time));
    found.extend(valid.map(|row| (row.standing.id, row.into_item())));
    // A sync may have ended a version after those that had ended were read.
    let others = others(&found);
    if !others.is_empty() {
        found.extend(ended(connection, tenant, &others, time).await?);
    }
    Ok(found)
}

/// Those of the items whose version of this time has ended.
async fn ended(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    ids: &[Uuid],
    time: DateTime<Utc>,
) -> QueryResult<HashMap<Uuid, PastItem>> {
    let rows: Vec<(Standing, EndedRow)> = inventory_versions::table
        .inner_join(inventory_items::table)
        .filter(inventory_versions::item_id.eq_any(ids))
        .filter(inventory_items::tenant_id.eq(tenant.into_uuid()))
        .filter(inventory_versions::valid_from.le(time))
        .filter(inventory_versions::valid_to.gt(time))
        .select((Standing::as_select(), EndedRow::as_select()))
        .load(connection)
        .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(standing, row)| (standing.id, row.into_item(standing)))
        .collect())
}

impl CurrentRow {
    fn into_item(self) -> PastItem {
        let standing = self.standing;
        PastItem {
            id: ItemId::from_uuid(standing.id),
            policy_type: standing.policy_type,
            external_id: standing.external_id,
            category: standing.category,
            foundation: standing.foundation,
            platform: self.platform,
            scope_tags: self.scope_tags,
            assignment_count: self.assignment_count,
            metadata: self.metadata,
            content_hash: Some(self.content_hash),
            first_seen_at: standing.first_seen_at,
            version: self.version.summary(),
        }
    }
}

impl EndedRow {
    fn into_item(self, standing: Standing) -> PastItem {
        PastItem {
            id: ItemId::from_uuid(standing.id),
            policy_type: standing.policy_type,
            external_id: standing.external_id,
            category: standing.category,
            foundation: standing.foundation,
            platform: self.platform,
            scope_tags: self.scope_tags,
            assignment_count: self.assignment_count,
            metadata: self.metadata,
            content_hash: self.content_hash,
            first_seen_at: standing.first_seen_at,
            version: self.version.summary(),
        }
    }
}
