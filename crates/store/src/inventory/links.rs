//! Links, as screens see them. The tenant comes first: there is no finder without one.

use std::str::FromStr;

use atlas_domain::ids::{ItemId, LinkId, TenantId};
use atlas_domain::inventory::link::{LinkKind, LinkSource, LinkTarget, TargetKind};
use const_format::concatcp;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::changes::ItemName;
use super::read::ItemView;
use crate::error::StoreError;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::prepared::prepared;

/// A link with what is known of both of its ends.
#[derive(Debug, Clone)]
pub struct LinkView {
    /// Its id.
    pub id: LinkId,
    /// The item that it goes from.
    pub item: ItemName,
    /// What it means.
    pub kind: LinkKind,
    /// Which reading told it.
    pub source: LinkSource,
    /// Where it goes.
    pub target: LinkTarget,
    /// The item that it goes to, when the inventory has it; it may be missing by now.
    pub target_item: Option<ItemName>,
    /// The name of the group that it goes to, when that is known.
    pub target_group: Option<String>,
    /// What else is said of it. An object of texts.
    pub qualifier: Value,
    /// The target could be in the inventory and is not.
    pub dangling: bool,
}

/// Seen from one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkDirection {
    /// What the item leans on.
    Out,
    /// What leans on the item.
    In,
    /// Both; a link from the item to itself is told once.
    Both,
}

/// Which links to list; an empty filter is none.
#[derive(Debug, Clone, Default)]
pub struct LinkFilter {
    /// Of this kind.
    pub kind: Option<LinkKind>,
    /// To targets of this kind.
    pub target_kind: Option<TargetKind>,
    /// To the target with this id; only together with its kind.
    pub target_id: Option<String>,
    /// Only those that lead nowhere, or only the others.
    pub dangling: Option<bool>,
}

#[derive(QueryableByName)]
struct LinkRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = Text)]
    target_kind: String,
    #[diesel(sql_type = Text)]
    target_id: String,
    #[diesel(sql_type = Jsonb)]
    qualifier: Value,
    #[diesel(sql_type = Bool)]
    dangling: bool,
    #[diesel(sql_type = SqlUuid)]
    item_id: Uuid,
    #[diesel(sql_type = Text)]
    item_type: String,
    #[diesel(sql_type = Text)]
    item_external_id: String,
    #[diesel(sql_type = Text)]
    item_name: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    to_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    to_type: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    to_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    to_group: Option<String>,
}

/// Whether a link leads nowhere. Syncs judge all links at their end; what has come (back) since then
/// is seen here.
const DANGLING: &str = "(l.dangling AND (t.id IS NULL OR t.missing_since IS NOT NULL))";
/// The group that a link goes to. What is not the id of one is none.
const GROUP: &str = "CASE WHEN l.target_kind = 'group' \
        AND l.target_id ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' \
    THEN l.target_id::uuid END";
const COLUMNS: &str = concatcp!(
    "SELECT l.id, l.kind, l.source, l.target_kind, l.target_id, l.qualifier, ",
    DANGLING,
    " AS dangling, i.id AS item_id, i.policy_type AS item_type, \
        i.external_id AS item_external_id, i.name AS item_name, t.id AS to_id, \
        t.policy_type AS to_type, t.name AS to_name, \
        (SELECT d.name FROM directory_groups d WHERE d.tenant_id = $1 AND d.id = ",
    GROUP,
    ") AS to_group FROM "
);

/// Both ends by name. $2 target kinds and $3 the policy types under which each is held, pair by
/// pair; an item that is there goes before one that is missing.
const ENDS: &str = " JOIN inventory_items i ON i.id = l.item_id \
    LEFT JOIN LATERAL ( \
        SELECT n.id, n.policy_type, n.name, n.missing_since \
        FROM unnest($2::text[], $3::text[]) h(target_kind, policy_type) \
            JOIN inventory_items n ON n.tenant_id = $1 AND n.policy_type = h.policy_type \
                AND n.external_id = l.target_id \
        WHERE h.target_kind = l.target_kind \
        ORDER BY n.missing_since IS NOT NULL LIMIT 1) t ON true";

/// $4 to $6 the key of the last row, $7 and $8 the last target, $9 kind, $10 dangling, $11 limit. The
/// first and the last target are bounds that the index knows.
const OF_TENANT: &str = concatcp!(
    COLUMNS,
    "inventory_links l",
    ENDS,
    " WHERE l.tenant_id = $1 \
    AND (l.target_kind, l.target_id, l.id) > ($4, $5, $6) \
    AND (l.target_kind, l.target_id) <= ($7, $8)"
);
const IN_ORDER: &str = " ORDER BY l.target_kind, l.target_id, l.id LIMIT $11";
const AS_ASKED: &str = concatcp!(" AND ($10 IS NULL OR ", DANGLING, " = $10)");

/// One shape per index.
const LIST: &str = concatcp!(OF_TENANT, " AND $9 IS NULL", AS_ASKED, IN_ORDER);
const LIST_OF_KIND: &str = concatcp!(OF_TENANT, " AND l.kind = $9", AS_ASKED, IN_ORDER);
const LIST_OF_DANGLING: &str = concatcp!(
    OF_TENANT,
    " AND ($9 IS NULL OR l.kind = $9) AND l.dangling AND $10 AND ",
    DANGLING,
    IN_ORDER
);

/// $4 item, $5 the target kind that it is and $6 its id as a target, $7 the id of the last row, $8
/// and $9 whether out and in are asked for, $10 limit.
const OUT: &str = "(SELECT l.* FROM inventory_links l \
    WHERE $8 AND l.item_id = $4 AND l.tenant_id = $1 AND l.id > $7 ORDER BY l.id LIMIT $10)";
const IN: &str = "(SELECT l.* FROM inventory_links l \
    WHERE $9 AND l.tenant_id = $1 AND l.target_kind = $5 AND l.target_id = $6 AND l.id > $7 \
        AND NOT ($8 AND l.item_id = $4) ORDER BY l.id LIMIT $10)";
const OF_ITEM: &str = concatcp!(
    COLUMNS,
    "(",
    OUT,
    " UNION ALL ",
    IN,
    ") l",
    ENDS,
    " ORDER BY l.id LIMIT $10"
);

/// Comes before every target and after every target.
const FIRST_TARGET: (&str, &str) = ("", "");
const LAST_TEXT: &str = "\u{10ffff}";

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
        let statement = match (filter.dangling, filter.kind) {
            (Some(true), _) => LIST_OF_DANGLING,
            (_, Some(_)) => LIST_OF_KIND,
            (_, None) => LIST,
        };
        let kind = filter.target_kind.map(TargetKind::as_str);
        let id = filter.target_id.as_deref().filter(|_| kind.is_some());
        let first = kind.map_or(FIRST_TARGET, |kind| (kind, id.unwrap_or_default()));
        let after = page.after.as_ref();
        let (after_target, after_id) = after.map_or((first, Uuid::nil()), |(target, id)| {
            let target = (target.kind.as_str(), target.id.as_str());
            (target, id.into_uuid())
        });
        let (kinds, types) = held_targets();
        let rows: Vec<LinkRow> = prepared(
            sql_query(statement)
                .bind::<SqlUuid, _>(tenant.into_uuid())
                .bind::<Array<Text>, _>(kinds)
                .bind::<Array<Text>, _>(types)
                .bind::<Text, _>(after_target.0)
                .bind::<Text, _>(after_target.1)
                .bind::<SqlUuid, _>(after_id)
                .bind::<Text, _>(kind.unwrap_or(LAST_TEXT))
                .bind::<Text, _>(id.unwrap_or(LAST_TEXT))
                .bind::<Nullable<Text>, _>(filter.kind.map(LinkKind::as_str))
                .bind::<Nullable<Bool>, _>(filter.dangling)
                .bind::<BigInt, _>(page.limit),
        )
        .load(&mut self.connection().await?)
        .await?;
        rows.into_iter().map(LinkRow::into_view).collect()
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
        // A type that no kind of target means is no target.
        let kind = TargetKind::of_policy_type(&item.policy_type);
        let after = page.after.map_or(Uuid::nil(), LinkId::into_uuid);
        let (kinds, types) = held_targets();
        let rows: Vec<LinkRow> = prepared(
            sql_query(OF_ITEM)
                .bind::<SqlUuid, _>(tenant.into_uuid())
                .bind::<Array<Text>, _>(kinds)
                .bind::<Array<Text>, _>(types)
                .bind::<SqlUuid, _>(item.id.into_uuid())
                .bind::<Nullable<Text>, _>(kind.map(TargetKind::as_str))
                .bind::<Text, _>(&item.external_id)
                .bind::<SqlUuid, _>(after)
                .bind::<Bool, _>(direction != LinkDirection::In)
                .bind::<Bool, _>(direction != LinkDirection::Out)
                .bind::<BigInt, _>(page.limit),
        )
        .load(&mut self.connection().await?)
        .await?;
        rows.into_iter().map(LinkRow::into_view).collect()
    }
}

/// Target kinds that an inventory can hold, and a policy type that holds each, pair by pair.
pub(super) fn held_targets() -> (Vec<&'static str>, Vec<&'static str>) {
    let kinds = TargetKind::ALL.iter();
    kinds
        .flat_map(|kind| {
            kind.policy_types()
                .iter()
                .map(|held| (kind.as_str(), *held))
        })
        .unzip()
}

fn known<T: FromStr>(word: &str) -> Result<T, StoreError> {
    word.parse()
        .map_err(|_| StoreError::corrupt("link", "unknown word"))
}

impl LinkRow {
    fn into_view(self) -> Result<LinkView, StoreError> {
        let to = self.to_id.zip(self.to_type).zip(self.to_name);
        let target_item = to.map(|((id, policy_type), name)| ItemName {
            id: ItemId::from_uuid(id),
            policy_type,
            external_id: self.target_id.clone(),
            name,
        });
        Ok(LinkView {
            id: LinkId::from_uuid(self.id),
            item: ItemName {
                id: ItemId::from_uuid(self.item_id),
                policy_type: self.item_type,
                external_id: self.item_external_id,
                name: self.item_name,
            },
            kind: known(&self.kind)?,
            source: known(&self.source)?,
            target: LinkTarget {
                kind: known(&self.target_kind)?,
                id: self.target_id,
            },
            target_item,
            target_group: self.to_group,
            qualifier: self.qualifier,
            dangling: self.dangling,
        })
    }
}
