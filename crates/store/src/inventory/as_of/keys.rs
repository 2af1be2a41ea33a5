//! A page of the items of a time, by the names that they had then.

use atlas_domain::ids::{ItemId, TenantId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_dsl::positional_order_dsl::{OrderColumn, PositionalOrderDsl};
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::inventory::read::ItemFilter;
use crate::keyset::{Direction, beyond, ordered};
use crate::page::PageRequest;
use crate::pattern::containing;
use crate::schema::{inventory_items, inventory_versions};

const CURRENT: (inventory_items::name, inventory_items::id) =
    (inventory_items::name, inventory_items::id);
const ENDED: (inventory_versions::name, inventory_versions::item_id) =
    (inventory_versions::name, inventory_versions::item_id);

type CurrentKeys = inventory_items::BoxedQuery<'static, Pg, (Text, SqlUuid)>;
type EndedKeys = inventory_versions::BoxedQuery<'static, Pg, (Text, SqlUuid)>;
type Items = inventory_items::BoxedQuery<'static, Pg, SqlUuid>;

/// The items of the page. Current versions and those that ended are two lists, each in an index of its
/// own by name; the first of both together are the page.
pub(super) async fn page(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    filter: &ItemFilter,
    time: DateTime<Utc>,
    page: &PageRequest<(String, ItemId)>,
) -> QueryResult<Vec<Uuid>> {
    let current = current(tenant, filter, time, page);
    let both = current.union_all(ended(tenant, filter, time, page));
    let keys: Vec<(String, Uuid)> = match page.reads(filter.direction()) {
        Direction::Ascending => {
            let keys = both.positional_order_by((1, 2)).limit(page.limit);
            keys.load(connection).await?
        }
        Direction::Descending => {
            let (name, id) = (OrderColumn(1).desc(), OrderColumn(2).desc());
            let keys = both.positional_order_by((name, id));
            keys.limit(page.limit).load(connection).await?
        }
    };
    let keys = page.in_list_order(keys);
    Ok(keys.into_iter().map(|(_, id)| id).collect())
}

/// Items whose current version was valid then.
fn current(
    tenant: TenantId,
    filter: &ItemFilter,
    time: DateTime<Utc>,
    page: &PageRequest<(String, ItemId)>,
) -> CurrentKeys {
    let direction = page.reads(filter.direction());
    let came_back = inventory_items::present_since;
    let gone = inventory_items::missing_since;
    let mut keys = inventory_items::table
        .filter(inventory_items::tenant_id.eq(tenant.into_uuid()))
        .filter(inventory_items::changed_at.le(time))
        .filter(came_back.is_null().or(came_back.le(time)))
        .filter(gone.is_null().or(gone.gt(time)))
        .select(CURRENT)
        .into_boxed()
        .order(ordered(CURRENT, direction))
        .limit(page.limit);
    if let Some((name, id)) = page.key() {
        let key = (name.clone(), id.into_uuid());
        keys = keys.filter(beyond(CURRENT, key, direction));
    }
    if let Some(text) = &filter.q {
        keys = keys.filter(inventory_items::name.ilike(containing(text)));
    }
    if let Some(word) = &filter.platform {
        keys = keys.filter(inventory_items::platform.ilike(containing(word)));
    }
    if !filter.policy_type.is_empty() {
        keys = keys.filter(inventory_items::policy_type.eq_any(filter.policy_type.clone()));
    }
    if let Some(category) = &filter.category {
        keys = keys.filter(inventory_items::category.eq(category.clone()));
    }
    if let Some(foundation) = filter.foundation {
        keys = keys.filter(inventory_items::foundation.eq(foundation));
    }
    keys
}

/// Items of which a version was valid then that has ended.
fn ended(
    tenant: TenantId,
    filter: &ItemFilter,
    time: DateTime<Utc>,
    page: &PageRequest<(String, ItemId)>,
) -> EndedKeys {
    let direction = page.reads(filter.direction());
    let mut keys = inventory_versions::table
        .filter(inventory_versions::tenant_id.eq(tenant.into_uuid()))
        .filter(inventory_versions::valid_from.le(time))
        .filter(inventory_versions::valid_to.gt(time))
        .select(ENDED)
        .into_boxed()
        .order(ordered(ENDED, direction))
        .limit(page.limit);
    if let Some((name, id)) = page.key() {
        let key = (name.clone(), id.into_uuid());
        keys = keys.filter(beyond(ENDED, key, direction));
    }
    if let Some(text) = &filter.q {
        keys = keys.filter(inventory_versions::name.ilike(containing(text)));
    }
    if let Some(word) = &filter.platform {
        keys = keys.filter(inventory_versions::platform.ilike(containing(word)));
    }
    if let Some(items) = of_kinds(tenant, filter) {
        keys = keys.filter(inventory_versions::item_id.eq_any(items));
    }
    keys
}

/// Items of the policy types, the category and the sort that the filter names, which no version
/// changes; `None` when it names none.
fn of_kinds(tenant: TenantId, filter: &ItemFilter) -> Option<Items> {
    let is_filtered =
        !filter.policy_type.is_empty() || filter.category.is_some() || filter.foundation.is_some();
    if !is_filtered {
        return None;
    }
    let mut items = inventory_items::table
        .filter(inventory_items::tenant_id.eq(tenant.into_uuid()))
        .select(inventory_items::id)
        .into_boxed();
    if !filter.policy_type.is_empty() {
        items = items.filter(inventory_items::policy_type.eq_any(filter.policy_type.clone()));
    }
    if let Some(category) = &filter.category {
        items = items.filter(inventory_items::category.eq(category.clone()));
    }
    if let Some(foundation) = filter.foundation {
        items = items.filter(inventory_items::foundation.eq(foundation));
    }
    Some(items)
}
