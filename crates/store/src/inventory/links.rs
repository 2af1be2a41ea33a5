//! Links, as screens see them. The tenant comes first: there is no finder without one.

mod names;

use std::collections::HashMap;
use std::str::FromStr;

use atlas_domain::ids::{LinkId, TenantId};
use atlas_domain::inventory::link::{LinkKind, LinkSource, LinkTarget, TargetKind};
use diesel::dsl::{self, exists, not};
use diesel::expression::{ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::query_source::{Alias, AliasedField};
use diesel::sql_types::{Bool, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

pub(super) use self::names::group_names;
use self::names::{NameRow, item_names};
use super::changes::ItemName;
use super::held::{IsTarget, is_target};
use super::read::ItemView;
use crate::error::StoreError;
use crate::keyset::{Direction, beyond, ordered};
use crate::page::PageRequest;
use crate::pool::Store;
use crate::schema::{inventory_items, inventory_links};
use crate::within::within;

/// A link with what is known of both of its ends.
#[derive(Debug, Clone)]
pub struct LinkView {
    pub id: LinkId,
    /// The item that it goes from.
    pub item: ItemName,
    /// What it means.
    pub kind: LinkKind,
    /// Where it was read.
    pub source: LinkSource,
    /// Where it goes.
    pub target: LinkTarget,
    /// The item that it goes to, when the inventory has it; it may be missing by now.
    pub target_item: Option<ItemName>,
    /// The name of the group that it goes to, when that is known.
    pub target_group: Option<String>,
    /// Its qualifiers, such as the intent of an assignment. An object of texts.
    pub qualifier: Value,
    /// Whether the link dangles: its target could be in the inventory and is not.
    pub dangling: bool,
}

/// Seen from one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkDirection {
    /// Links from the item.
    Out,
    /// Links to the item.
    In,
    /// Both; a link from the item to itself is listed once.
    Both,
}

/// Which links to list; the default lists all.
#[derive(Debug, Clone, Default)]
pub struct LinkFilter {
    pub kind: Option<LinkKind>,
    pub target_kind: Option<TargetKind>,
    /// To the target with this id; only together with its kind.
    pub target_id: Option<String>,
    /// Only dangling links, or only the others.
    pub dangling: Option<bool>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = inventory_links, check_for_backend(Pg))]
struct LinkRow {
    id: Uuid,
    kind: String,
    source: String,
    target_kind: String,
    target_id: String,
    qualifier: Value,
    item_id: Uuid,
    dangling: bool,
}

/// A link's row, and the item that it goes to.
type FoundLink = (LinkRow, Option<Uuid>);

/// A query for the keys of links: their items, and their ids.
pub(super) type Keys = Box<dyn QueryFragment<Pg> + Send>;

pub(super) const KEY: (inventory_links::item_id, inventory_links::id) =
    (inventory_links::item_id, inventory_links::id);
/// The tenant's links are listed by target.
const BY_TARGET: (
    inventory_links::target_kind,
    inventory_links::target_id,
    inventory_links::id,
) = (
    inventory_links::target_kind,
    inventory_links::target_id,
    inventory_links::id,
);

const BY_ID: (inventory_links::id,) = (inventory_links::id,);

/// What a list of links is ordered by.
#[derive(Clone, Copy)]
pub(super) enum Order {
    /// Their targets.
    Target,
    /// Their ids, in this direction.
    Id(Direction),
}

diesel::alias!(inventory_items as target_items: TargetItems);

/// Where a link goes.
const TARGET: (inventory_links::target_kind, inventory_links::target_id) =
    (inventory_links::target_kind, inventory_links::target_id);

impl Store {
    /// A tenant's links, by target.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn links(
        &self,
        tenant: TenantId,
        filter: &LinkFilter,
        page: PageRequest<(LinkTarget, LinkId)>,
    ) -> Result<Vec<LinkView>, StoreError> {
        let keys = filter.keys(tenant, &page);
        self.links_of_keys(tenant, Box::new(keys), page.limit, Order::Target)
            .await
    }

    /// The links of one item, in a fixed order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn item_links(
        &self,
        tenant: TenantId,
        item: &ItemView,
        direction: LinkDirection,
        page: PageRequest<LinkId>,
    ) -> Result<Vec<LinkView>, StoreError> {
        let read = page.reads(Direction::Ascending);
        let keys = || {
            let mut keys = inventory_links::table
                .filter(inventory_links::tenant_id.eq(tenant.into_uuid()))
                .select(KEY)
                .into_boxed::<Pg>()
                .order(ordered(BY_ID, read))
                .limit(page.limit);
            if let Some(id) = page.key() {
                keys = keys.filter(beyond(BY_ID, (id.into_uuid(),), read));
            }
            keys
        };
        let id = item.id.into_uuid();
        let out = || keys().filter(inventory_links::item_id.eq(id));
        let to_it = |kind: TargetKind| {
            keys()
                .filter(inventory_links::target_kind.eq(kind.as_str()))
                .filter(inventory_links::target_id.eq(item.external_id.clone()))
        };
        // A type that no kind of target means is no target.
        let kind = TargetKind::of_policy_type(&item.policy_type);
        let keys: Keys = match (direction, kind) {
            (LinkDirection::In, None) => return Ok(Vec::new()),
            (LinkDirection::Out, _) | (LinkDirection::Both, None) => Box::new(out()),
            (LinkDirection::In, Some(kind)) => Box::new(to_it(kind)),
            (LinkDirection::Both, Some(kind)) => {
                let from_others = to_it(kind).filter(inventory_links::item_id.ne(id));
                Box::new(out().union_all(from_others))
            }
        };
        let links = self.links_of_keys(tenant, keys, page.limit, Order::Id(read));
        Ok(page.in_list_order(links.await?))
    }

    /// The links from these items, by target.
    pub(super) async fn links_from(
        &self,
        tenant: TenantId,
        items: Vec<Uuid>,
    ) -> Result<Vec<LinkView>, StoreError> {
        let keys = inventory_links::table
            .filter(inventory_links::tenant_id.eq(tenant.into_uuid()))
            .filter(inventory_links::item_id.eq_any(items))
            .select(KEY);
        self.links_of_keys(tenant, Box::new(keys), i64::MAX, Order::Target)
            .await
    }

    /// The links with these keys.
    pub(super) async fn links_of_keys(
        &self,
        tenant: TenantId,
        keys: Keys,
        limit: i64,
        order: Order,
    ) -> Result<Vec<LinkView>, StoreError> {
        let (rows, names, groups) = self
            .read(async |connection| {
                let rows = found(connection, tenant, keys, limit, order).await?;
                let sources = rows.iter().map(|(row, _)| row.item_id);
                let targets = rows.iter().filter_map(|(_, target)| *target);
                let names = item_names(connection, sources.chain(targets).collect()).await?;
                let groups = rows.iter().filter_map(|(row, _)| row.group()).collect();
                let groups = group_names(connection, tenant, groups).await?;
                Ok((rows, names, groups))
            })
            .await?;
        rows.into_iter()
            .map(|found| into_view(found, &names, &groups))
            .collect()
    }
}

impl LinkFilter {
    /// The keys of the page.
    fn keys(
        &self,
        tenant: TenantId,
        page: &PageRequest<(LinkTarget, LinkId)>,
    ) -> inventory_links::BoxedQuery<'static, Pg, (SqlUuid, SqlUuid)> {
        let direction = page.reads(Direction::Ascending);
        let mut keys = inventory_links::table
            .filter(inventory_links::tenant_id.eq(tenant.into_uuid()))
            .select(KEY)
            .into_boxed()
            .order(ordered(BY_TARGET, direction))
            .limit(page.limit);
        if let Some((target, id)) = page.key() {
            let key = (target.kind.as_str(), target.id.clone(), id.into_uuid());
            keys = keys.filter(beyond(BY_TARGET, key, direction));
        }
        if let Some(kind) = self.target_kind {
            keys = keys.filter(inventory_links::target_kind.eq(kind.as_str()));
            if let Some(id) = &self.target_id {
                keys = keys.filter(inventory_links::target_id.eq(id.clone()));
            }
        }
        if let Some(kind) = self.kind {
            keys = keys.filter(inventory_links::kind.eq(kind.as_str()));
        }
        match self.dangling {
            Some(true) => {
                keys = keys
                    .filter(inventory_links::dangling)
                    .filter(not(target_is_there(tenant)));
            }
            Some(false) => {
                let fine = not(inventory_links::dangling);
                keys = keys.filter(fine.or(target_is_there(tenant)));
            }
            None => {}
        }
        keys
    }
}

type TargetColumn<C> = AliasedField<TargetItems, C>;
type OfTenant = dsl::Eq<TargetColumn<inventory_items::tenant_id>, Uuid>;
type OfLink = IsTarget<
    (
        TargetColumn<inventory_items::policy_type>,
        TargetColumn<inventory_items::external_id>,
    ),
    (inventory_links::target_kind, inventory_links::target_id),
>;

/// The items that the link of the surrounding query goes to, missing ones too: several when policy
/// types that share a kind have the same id.
fn targets(tenant: TenantId) -> dsl::Filter<dsl::Filter<Alias<TargetItems>, OfTenant>, OfLink> {
    let policy_type = target_items.field(inventory_items::policy_type);
    let external_id = target_items.field(inventory_items::external_id);
    target_items
        .filter(
            target_items
                .field(inventory_items::tenant_id)
                .eq(tenant.into_uuid()),
        )
        .filter(is_target((policy_type, external_id), TARGET))
}

/// Whether the inventory has the item that the link goes to, and it is not missing. Syncs judge all
/// links at their end; what has come (back) since then is seen here.
fn target_is_there(
    tenant: TenantId,
) -> impl SelectableExpression<inventory_links::table, SqlType = Bool>
+ ValidGrouping<(), IsAggregate = is_aggregate::Never>
+ QueryFragment<Pg>
+ Send
+ 'static {
    exists(targets(tenant).filter(target_items.field(inventory_items::missing_since).is_null()))
}

/// The links with these keys.
async fn found(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    keys: Keys,
    limit: i64,
    order: Order,
) -> QueryResult<Vec<FoundLink>> {
    // An item that is there goes before one that is missing.
    let target = targets(tenant)
        .order(
            target_items
                .field(inventory_items::missing_since)
                .is_not_null(),
        )
        .select(target_items.field(inventory_items::id))
        .limit(1)
        .single_value();
    let query = inventory_links::table
        .filter(inventory_links::tenant_id.eq(tenant.into_uuid()))
        .filter(within(KEY, keys))
        .limit(limit)
        .select((LinkRow::as_select(), target))
        .into_boxed();
    match order {
        Order::Target => query.order(BY_TARGET).load(connection).await,
        Order::Id(direction) => {
            query
                .order(ordered(BY_ID, direction))
                .load(connection)
                .await
        }
    }
}

/// Target kinds that an inventory can hold, and a policy type that holds each, pair by pair.
pub(super) fn held_targets() -> (Vec<&'static str>, Vec<&'static str>) {
    let kinds = TargetKind::ALL.into_iter();
    kinds
        .flat_map(|kind| {
            kind.policy_types()
                .iter()
                .map(move |held| (kind.as_str(), *held))
        })
        .unzip()
}

fn known<T: FromStr>(word: &str) -> Result<T, StoreError> {
    word.parse()
        .map_err(|_| StoreError::corrupt("link", "unknown word"))
}

impl LinkRow {
    /// The group that the link goes to. What is not the id of one is none.
    fn group(&self) -> Option<Uuid> {
        let is_group = self.target_kind == TargetKind::Group.as_str();
        let hyphenated = self.target_id.len() == 36;
        (is_group && hyphenated).then(|| self.target_id.parse().ok())?
    }
}

fn into_view(
    (row, target): FoundLink,
    names: &HashMap<Uuid, NameRow>,
    groups: &HashMap<Uuid, String>,
) -> Result<LinkView, StoreError> {
    let named = |id: &Uuid| names.get(id).map(NameRow::to_name);
    let target_is_there = target.is_some_and(|id| names.get(&id).is_some_and(NameRow::is_there));
    let group = row.group();
    Ok(LinkView {
        id: LinkId::from_uuid(row.id),
        item: named(&row.item_id).ok_or_else(|| StoreError::corrupt("link", "its item is gone"))?,
        kind: known(&row.kind)?,
        source: known(&row.source)?,
        target: LinkTarget {
            kind: known(&row.target_kind)?,
            id: row.target_id,
        },
        target_item: target.as_ref().and_then(named),
        target_group: group.and_then(|id| groups.get(&id).cloned()),
        qualifier: row.qualifier,
        dangling: row.dangling && !target_is_there,
    })
}
