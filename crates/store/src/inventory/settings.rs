//! Which items set what, as screens see it. The tenant comes first: there is no finder without one.

use std::collections::{BTreeMap, BTreeSet};

use atlas_domain::ids::{ItemId, TenantId};
use atlas_domain::inventory::link::LinkSource;
use atlas_domain::inventory::values::{places_of_value, setting_id};
use diesel::dsl::exists;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::changes::ItemName;
use super::links::{KEY as LINK_KEY, LinkView, Order};
use super::setting_definitions::SettingNames;
use crate::error::StoreError;
use crate::first_of_each::{by_one, first_of_each, value};
use crate::keyset::{Direction, beyond, ordered};
use crate::page::PageRequest;
use crate::pattern::containing;
use crate::pool::Store;
use crate::schema::{inventory_items, inventory_links, inventory_settings, setting_definitions};
use crate::within::within;

/// Assignments that are returned of an item at most.
const MOST_ASSIGNMENTS: i64 = 10;

/// Settings of a search whose rows are read first, each as if it filled the page: one, because many
/// do. Each time the page is not full, twice as many follow.
const FIRST_SETTINGS: i64 = 1;

/// A setting of an item that is there.
#[derive(Debug, Clone)]
pub struct SettingView {
    pub item: ItemName,
    /// What the service calls the setting.
    pub setting_id: String,
    /// Its name for people, when that is known.
    pub setting_name: Option<String>,
    /// Where it stands in the item's content.
    pub field: String,
    pub value: Value,
    /// The name of the option that the value is, when that is known.
    pub value_name: Option<String>,
    /// Where it stands among the rows of its setting.
    pub place: Uuid,
    /// How many assignments the item has, when known.
    pub assignment_count: Option<i32>,
    /// Some of the links that its assignments make, at most ten.
    pub assigned: Vec<LinkView>,
}

/// Which settings to list: all of one id, or all whose name or id contains a text.
#[derive(Debug, Clone, Default)]
pub struct SettingFilter {
    pub setting_id: Option<String>,
    /// Whose name or id contains this text, whatever its case.
    pub q: Option<String>,
    /// Only those with this value: a text as it is, anything else as JSON without spaces.
    pub value: Option<String>,
    /// Only of items of these policy types.
    pub policy_types: Vec<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = inventory_settings, check_for_backend(Pg))]
struct SettingRow {
    setting_id: String,
    place: Uuid,
    field: String,
    value: Value,
    item_id: Uuid,
    policy_type: String,
    #[diesel(select_expression = inventory_items::external_id)]
    external_id: String,
    #[diesel(select_expression = inventory_items::name)]
    name: String,
    #[diesel(select_expression = inventory_items::assignment_count)]
    assignment_count: Option<i32>,
}

/// Rows are listed by setting, and those of one setting by value.
const KEY: (inventory_settings::setting_id, inventory_settings::place) =
    (inventory_settings::setting_id, inventory_settings::place);

impl Store {
    /// What items of a tenant set, by setting and then by value. A filter with neither a setting nor a
    /// text matches nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settings(
        &self,
        tenant: TenantId,
        filter: &SettingFilter,
        page: PageRequest<(String, Uuid)>,
    ) -> Result<Vec<SettingView>, StoreError> {
        let rows = self
            .read(async |connection| filter.page(connection, tenant, &page).await)
            .await?;
        let rows = page.in_list_order(rows);
        let ids = rows.iter().map(|row| row.setting_id.clone()).collect();
        let names = self.setting_names(ids).await?;
        let items = rows.iter().map(|row| row.item_id);
        let assigned = self.assigned(tenant, items).await?;
        let rows = rows.into_iter();
        Ok(rows.map(|row| row.into_view(&names, &assigned)).collect())
    }

    /// Some links of each item that its assignments make.
    async fn assigned(
        &self,
        tenant: TenantId,
        items: impl Iterator<Item = Uuid>,
    ) -> Result<BTreeMap<Uuid, Vec<LinkView>>, StoreError> {
        let items: BTreeSet<Uuid> = items.collect();
        if items.is_empty() {
            return Ok(BTreeMap::new());
        }
        let limit = MOST_ASSIGNMENTS * i64::try_from(items.len()).unwrap_or(i64::MAX);
        let list = inventory_links::table
            .filter(inventory_links::item_id.eq(value::<SqlUuid>()))
            .filter(inventory_links::source.eq(LinkSource::Assignments.as_str()))
            .select(LINK_KEY)
            .order((LINK_KEY.0.desc(), LINK_KEY.1.desc()))
            .limit(MOST_ASSIGNMENTS);
        let lists = by_one::<SqlUuid, _>(items.into_iter().collect());
        let newest_first = Direction::Descending;
        let keys = Box::new(first_of_each(LINK_KEY, newest_first, lists, list, limit));
        let links = self
            .links_of_keys(tenant, keys, limit, Order::Target)
            .await?;
        let mut assigned: BTreeMap<Uuid, Vec<LinkView>> = BTreeMap::new();
        for link in links {
            let item = link.item.id.into_uuid();
            assigned.entry(item).or_default().push(link);
        }
        Ok(assigned)
    }
}

impl SettingFilter {
    /// The rows of the page, in the direction in which it is read.
    async fn page(
        &self,
        connection: &mut AsyncPgConnection,
        tenant: TenantId,
        page: &PageRequest<(String, Uuid)>,
    ) -> QueryResult<Vec<SettingRow>> {
        let only = self.setting_id.as_deref().map(setting_id);
        let Some(text) = &self.q else {
            let ids = Vec::from_iter(only);
            return self.rows(connection, tenant, ids, page, page.limit).await;
        };
        let direction = page.reads(Direction::Ascending);
        let mut found = definitions(tenant, text, direction);
        if let Some(id) = only {
            let ids = found.filter(setting_definitions::id.eq(id));
            let ids = ids.load(connection).await?;
            return self.rows(connection, tenant, ids, page, page.limit).await;
        }
        if let Some((setting, _)) = page.key() {
            found = match direction {
                Direction::Ascending => found.filter(setting_definitions::id.ge(setting.clone())),
                Direction::Descending => found.filter(setting_definitions::id.le(setting.clone())),
            };
        }
        let mut at_once = FIRST_SETTINGS;
        let mut rows = Vec::new();
        loop {
            let missing = page.limit - i64::try_from(rows.len()).unwrap_or(i64::MAX);
            let ids: Vec<String> = found.limit(at_once.min(missing)).load(connection).await?;
            let Some(last) = ids.last().cloned() else {
                return Ok(rows);
            };
            let more = self.rows(connection, tenant, ids, page, missing).await?;
            rows.extend(more);
            if i64::try_from(rows.len()).is_ok_and(|count| count >= page.limit) {
                return Ok(rows);
            }
            let beyond_last = beyond((setting_definitions::id,), (last,), direction);
            found = definitions(tenant, text, direction).filter(beyond_last);
            at_once *= 2;
        }
    }

    /// Rows of these settings, on the page's side of the row beside it.
    async fn rows(
        &self,
        connection: &mut AsyncPgConnection,
        tenant: TenantId,
        ids: Vec<String>,
        page: &PageRequest<(String, Uuid)>,
        limit: i64,
    ) -> QueryResult<Vec<SettingRow>> {
        let direction = page.reads(Direction::Ascending);
        let mut list = inventory_settings::table
            .inner_join(
                inventory_items::table.on(inventory_items::id.eq(inventory_settings::item_id)),
            )
            .filter(inventory_settings::tenant_id.eq(tenant.into_uuid()))
            .filter(inventory_items::missing_since.is_null())
            .into_boxed::<Pg>()
            .order(ordered(KEY, direction))
            .limit(limit);
        if let Some((setting, place)) = page.key() {
            list = if ids.iter().all(|id| id == setting) {
                let of_setting = (inventory_settings::place,);
                list.filter(beyond(of_setting, (*place,), direction))
            } else {
                list.filter(beyond(KEY, (setting.clone(), *place), direction))
            };
        }
        if let Some(value) = &self.value {
            let (first, last) = places_of_value(value);
            list = list.filter(inventory_settings::place.between(first, last));
        }
        if !self.policy_types.is_empty() {
            let types = self.policy_types.clone();
            list = list.filter(inventory_settings::policy_type.eq_any(types));
        }
        if let [id] = &ids[..] {
            return list
                .filter(inventory_settings::setting_id.eq(id.clone()))
                .select(SettingRow::as_select())
                .load(connection)
                .await;
        }
        let list = list
            .filter(inventory_settings::setting_id.eq(value::<Text>()))
            .select(KEY);
        let keys = first_of_each(KEY, direction, by_one::<Text, _>(ids), list, limit);
        inventory_settings::table
            .inner_join(
                inventory_items::table.on(inventory_items::id.eq(inventory_settings::item_id)),
            )
            .filter(inventory_settings::tenant_id.eq(tenant.into_uuid()))
            .filter(within(KEY, keys))
            .limit(limit)
            .select(SettingRow::as_select())
            .into_boxed::<Pg>()
            .order(ordered(KEY, direction))
            .load(connection)
            .await
    }
}

/// Settings of items of the tenant whose name or id contains a text. OFFSET keeps the planner from
/// reading all that the items set: one row is enough for each setting.
fn definitions(
    tenant: TenantId,
    text: &str,
    direction: Direction,
) -> setting_definitions::BoxedQuery<'static, Pg, Text> {
    let set = inventory_settings::table
        .filter(inventory_settings::tenant_id.eq(tenant.into_uuid()))
        .filter(inventory_settings::setting_id.eq(setting_definitions::id))
        .select(inventory_settings::setting_id)
        .offset(0);
    setting_definitions::table
        .filter(setting_definitions::search.ilike(containing(text)))
        .filter(exists(set))
        .select(setting_definitions::id)
        .into_boxed()
        .order(ordered((setting_definitions::id,), direction))
}

impl SettingRow {
    fn into_view(
        self,
        names: &BTreeMap<String, SettingNames>,
        assigned: &BTreeMap<Uuid, Vec<LinkView>>,
    ) -> SettingView {
        let known = names.get(&self.setting_id);
        SettingView {
            item: ItemName {
                id: ItemId::from_uuid(self.item_id),
                policy_type: self.policy_type,
                external_id: self.external_id,
                name: self.name,
            },
            setting_name: known.and_then(|known| known.name.clone()),
            value_name: known.and_then(|known| known.option(&self.value)),
            setting_id: self.setting_id,
            field: self.field,
            value: self.value,
            place: self.place,
            assignment_count: self.assignment_count,
            assigned: assigned.get(&self.item_id).cloned().unwrap_or_default(),
        }
    }
}
