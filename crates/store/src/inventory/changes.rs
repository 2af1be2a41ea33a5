//! What changed, as screens see it. The tenant comes first: there is no finder without one.

use std::collections::BTreeSet;

use atlas_domain::ids::{ChangeId, ItemId, RunId, TenantId};
use atlas_domain::inventory::actor::{Attribution, MadeBy};
use atlas_domain::inventory::change::ChangeKind;
use atlas_domain::inventory::difference::FieldDifference;
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::first_of_each::{by_one, by_two, first_of_each, second, value};
use crate::keyset::before;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::schema::{inventory_change_actors, inventory_changes, inventory_items};
use crate::within::within;

/// Something that happened to an item.
#[derive(Debug, Clone)]
pub struct ChangeView {
    pub id: ChangeId,
    /// When the sync recorded it.
    pub occurred_at: DateTime<Utc>,
    /// What happened.
    pub kind: ChangeKind,
    /// The run that saw it.
    pub run_id: RunId,
    pub item: ItemName,
    /// What differs; absent where the kind of change says it all, or where the former content is not
    /// known.
    pub detail: Option<ChangeDetail>,
    pub made_by: MadeBy,
}

impl ChangeView {
    /// The fields of the content that differ and are listed, each with the policy type of the item
    /// before it.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = match &self.detail {
            Some(ChangeDetail::Content { fields, .. }) => fields.as_slice(),
            _ => &[],
        };
        let policy_type = self.item.policy_type.as_str();
        fields
            .iter()
            .map(move |one| (policy_type, one.field.as_str()))
    }
}

/// An item, as others refer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemName {
    /// Our id.
    pub id: ItemId,
    /// Key of its policy type.
    pub policy_type: String,
    /// Its id in Microsoft Graph.
    pub external_id: String,
    /// Its name now.
    pub name: String,
}

/// What differs, in a change of content or of assignments. At most the first hundred of each list
/// are listed; the counts count all.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum ChangeDetail {
    /// Of a change of content.
    Content {
        /// The fields that differ, by pointer.
        fields: Vec<FieldDifference>,
        /// How many do.
        field_count: u64,
    },
    /// Of a change of assignments.
    Assignments {
        /// Assignments that are new.
        added: Vec<Value>,
        added_count: u64,
        /// Assignments that are no more.
        removed: Vec<Value>,
        removed_count: u64,
    },
}

/// Which changes to list; an empty filter is none.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    /// Not before this.
    pub since: Option<DateTime<Utc>>,
    pub item: Option<ItemId>,
    pub kinds: Vec<ChangeKind>,
    /// Of items of these policy types.
    pub policy_types: Vec<String>,
    /// By the actor with this id or name, in any case.
    pub actor: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = inventory_changes, check_for_backend(Pg))]
struct ChangeRow {
    id: Uuid,
    occurred_at: DateTime<Utc>,
    kind: String,
    run_id: Uuid,
    detail: Option<Value>,
    attributed: Option<String>,
    actors: Option<Value>,
    item_id: Uuid,
    #[diesel(select_expression = inventory_items::policy_type)]
    policy_type: String,
    #[diesel(select_expression = inventory_items::external_id)]
    external_id: String,
    #[diesel(select_expression = inventory_items::name)]
    name: String,
}

/// A query for the keys of a tenant's changes: when they were recorded, and their ids.
type Keys = Box<dyn QueryFragment<Pg> + Send>;
type BoxedKeys = inventory_changes::BoxedQuery<'static, Pg, (Timestamptz, SqlUuid)>;

const KEY: (inventory_changes::occurred_at, inventory_changes::id) =
    (inventory_changes::occurred_at, inventory_changes::id);

/// Pairs of a policy type and a kind that are looked for one by one; more are looked for among all
/// changes of the tenant, of which they are then many.
const MAX_PAIRS: usize = 50;

impl Store {
    /// What changed in a tenant, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn changes(
        &self,
        tenant: TenantId,
        filter: &ChangeFilter,
        page: PageRequest<(DateTime<Utc>, ChangeId)>,
    ) -> Result<Vec<ChangeView>, StoreError> {
        let limit = page.limit;
        let keys = filter.keys(tenant, &page);
        let query = inventory_changes::table
            .inner_join(
                inventory_items::table.on(inventory_items::id.eq(inventory_changes::item_id)),
            )
            .filter(inventory_changes::tenant_id.eq(tenant.into_uuid()))
            .filter(within(KEY, keys))
            .order((KEY.0.desc(), KEY.1.desc()))
            .limit(limit)
            .select(ChangeRow::as_select());
        let rows = self
            .read(async |connection| query.load(connection).await)
            .await?;
        rows.into_iter().map(ChangeRow::into_view).collect()
    }
}

impl ChangeFilter {
    /// The keys of the page. Where several kinds or types are asked for, each gives its newest, so
    /// that rare ones are not looked for among many others.
    fn keys(&self, tenant: TenantId, page: &PageRequest<(DateTime<Utc>, ChangeId)>) -> Keys {
        let (kinds, types) = (self.kinds(), self.types());
        if let Some(actor) = &self.actor {
            return self.of_actor(tenant, &actor.to_lowercase(), page);
        }
        let limit = page.limit;
        let mut keys = inventory_changes::table
            .filter(inventory_changes::tenant_id.eq(tenant.into_uuid()))
            .select(KEY)
            .order((KEY.0.desc(), KEY.1.desc()))
            .limit(limit)
            .into_boxed();
        if let Some((time, id)) = page.after {
            keys = keys.filter(before(KEY, (time, id.into_uuid())));
        }
        if let Some(time) = self.since {
            keys = keys.filter(inventory_changes::occurred_at.ge(time));
        }
        if let Some(item) = self.item {
            let of_item = keys.filter(inventory_changes::item_id.eq(item.into_uuid()));
            return Box::new(of_words(of_item, kinds, types));
        }
        let every_kind = || ChangeKind::WORDS.map(str::to_owned).to_vec();
        let kinds_of_types = if kinds.is_empty() {
            every_kind()
        } else {
            kinds.clone()
        };
        match (types.is_empty(), kinds.is_empty()) {
            (true, true) => Box::new(keys),
            (true, false) => {
                let list = keys.filter(inventory_changes::kind.eq(value::<Text>()));
                Box::new(first_of_each(KEY, by_one::<Text, _>(kinds), list, limit))
            }
            (false, _) if types.len() * kinds_of_types.len() <= MAX_PAIRS => {
                let pairs = types.iter().flat_map(|one| {
                    kinds_of_types
                        .iter()
                        .map(|kind| (one.clone(), kind.clone()))
                });
                let list = keys
                    .filter(inventory_changes::policy_type.eq(value::<Text>()))
                    .filter(inventory_changes::kind.eq(second::<Text>()));
                Box::new(first_of_each(
                    KEY,
                    by_two::<Text, _>(pairs.collect()),
                    list,
                    limit,
                ))
            }
            (false, _) => Box::new(of_words(keys, kinds, types)),
        }
    }

    /// The keys of the page of an actor's changes, which an index has with all that is asked for.
    fn of_actor(
        &self,
        tenant: TenantId,
        actor: &str,
        page: &PageRequest<(DateTime<Utc>, ChangeId)>,
    ) -> Keys {
        let key = (
            inventory_change_actors::occurred_at,
            inventory_change_actors::change_id,
        );
        let mut keys = inventory_change_actors::table
            .filter(inventory_change_actors::tenant_id.eq(tenant.into_uuid()))
            .filter(inventory_change_actors::actor.eq(actor.to_owned()))
            .select(key)
            .order((key.0.desc(), key.1.desc()))
            .limit(page.limit)
            .into_boxed();
        if let Some((time, id)) = page.after {
            keys = keys.filter(before(key, (time, id.into_uuid())));
        }
        if let Some(time) = self.since {
            keys = keys.filter(inventory_change_actors::occurred_at.ge(time));
        }
        if let Some(item) = self.item {
            keys = keys.filter(inventory_change_actors::item_id.eq(item.into_uuid()));
        }
        let (kinds, types) = (self.kinds(), self.types());
        if !kinds.is_empty() {
            keys = keys.filter(inventory_change_actors::kind.eq_any(kinds));
        }
        if !types.is_empty() {
            keys = keys.filter(inventory_change_actors::policy_type.eq_any(types));
        }
        Box::new(keys)
    }

    /// The kinds, each once.
    fn kinds(&self) -> Vec<String> {
        let kinds: BTreeSet<&str> = self.kinds.iter().map(|kind| kind.as_str()).collect();
        kinds.into_iter().map(str::to_owned).collect()
    }

    /// The policy types, each once.
    fn types(&self) -> Vec<String> {
        let types: BTreeSet<&String> = self.policy_types.iter().collect();
        types.into_iter().cloned().collect()
    }
}

/// The keys of changes of these kinds and policy types.
fn of_words(mut keys: BoxedKeys, kinds: Vec<String>, types: Vec<String>) -> BoxedKeys {
    if !kinds.is_empty() {
        keys = keys.filter(inventory_changes::kind.eq_any(kinds));
    }
    if !types.is_empty() {
        keys = keys.filter(inventory_changes::policy_type.eq_any(types));
    }
    keys
}

impl ChangeRow {
    fn into_view(self) -> Result<ChangeView, StoreError> {
        let kind = self
            .kind
            .parse()
            .map_err(|error| StoreError::corrupt("change", error))?;
        let detail = self
            .detail
            .map(serde_json::from_value)
            .transpose()
            .map_err(|error| StoreError::corrupt("change", error))?;
        let made_by = made_by(self.attributed.as_deref(), self.actors)?;
        Ok(ChangeView {
            id: ChangeId::from_uuid(self.id),
            occurred_at: self.occurred_at,
            kind,
            run_id: RunId::from_uuid(self.run_id),
            item: ItemName {
                id: ItemId::from_uuid(self.item_id),
                policy_type: self.policy_type,
                external_id: self.external_id,
                name: self.name,
            },
            detail,
            made_by,
        })
    }
}

/// Who made a change, as it is stored.
pub(super) fn made_by(
    attributed: Option<&str>,
    actors: Option<Value>,
) -> Result<MadeBy, StoreError> {
    let attributed = attributed
        .map(str::parse)
        .transpose()
        .map_err(|error| StoreError::corrupt("attribution", error))?;
    let actors = actors
        .map(serde_json::from_value)
        .transpose()
        .map_err(|error| StoreError::corrupt("actors", error))?;
    Ok(MadeBy {
        attributed: attributed.unwrap_or(Attribution::None),
        actors: actors.unwrap_or_default(),
    })
}
