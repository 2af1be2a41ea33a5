//! Names of the items and groups at both ends of links.

use std::collections::{BTreeSet, HashMap};

use atlas_domain::ids::{ItemId, TenantId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::inventory::changes::ItemName;
use crate::schema::{directory_groups, inventory_items};

#[derive(Queryable, Selectable)]
#[diesel(table_name = inventory_items, check_for_backend(Pg))]
pub(super) struct NameRow {
    id: Uuid,
    policy_type: String,
    external_id: String,
    name: String,
    missing_since: Option<DateTime<Utc>>,
}

impl NameRow {
    /// Whether the item is not missing.
    pub(super) const fn is_there(&self) -> bool {
        self.missing_since.is_none()
    }

    pub(super) fn to_name(&self) -> ItemName {
        ItemName {
            id: ItemId::from_uuid(self.id),
            policy_type: self.policy_type.clone(),
            external_id: self.external_id.clone(),
            name: self.name.clone(),
        }
    }
}

pub(super) async fn item_names(
    connection: &mut AsyncPgConnection,
    ids: BTreeSet<Uuid>,
) -> QueryResult<HashMap<Uuid, NameRow>> {
    let names = inventory_items::table
        .filter(inventory_items::id.eq_any(ids))
        .select(NameRow::as_select())
        .load(connection)
        .await?;
    Ok(names.into_iter().map(|name| (name.id, name)).collect())
}

/// The names of those of the groups that are stored.
pub(in crate::inventory) async fn group_names(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    ids: BTreeSet<Uuid>,
) -> QueryResult<HashMap<Uuid, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let names: Vec<(Uuid, String)> = directory_groups::table
        .filter(directory_groups::tenant_id.eq(tenant.into_uuid()))
        .filter(directory_groups::id.eq_any(ids))
        .select((directory_groups::id, directory_groups::name))
        .load(connection)
        .await?;
    Ok(names.into_iter().collect())
}
