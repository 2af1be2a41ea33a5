//! What changed, as screens see it. The tenant comes first: there is no finder without one.

mod keys;

use atlas_domain::ids::{ChangeId, ItemId, RunId, TenantId};
use atlas_domain::inventory::actor::{Attribution, MadeBy};
use atlas_domain::inventory::change::ChangeKind;
use atlas_domain::inventory::difference::FieldDifference;
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use self::keys::{KEY, Keys, Span};
use crate::error::StoreError;
use crate::keyset::{Direction, ordered};
use crate::page::PageRequest;
use crate::pool::Store;
use crate::schema::{inventory_changes, inventory_items, operation_runs};
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

impl ChangeView {
    /// The assignments that are new or no more.
    pub fn assignments(&self) -> impl Iterator<Item = &Value> {
        let (added, removed): (&[Value], &[Value]) = match &self.detail {
            Some(ChangeDetail::Assignments { added, removed, .. }) => (added, removed),
            _ => (&[], &[]),
        };
        added.iter().chain(removed)
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
    /// That this run detected.
    pub run: Option<RunId>,
    /// Oldest first.
    pub ascending: bool,
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

impl Store {
    /// What changed in a tenant, newest first unless the filter says otherwise.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn changes(
        &self,
        tenant: TenantId,
        filter: &ChangeFilter,
        page: PageRequest<(DateTime<Utc>, ChangeId)>,
    ) -> Result<Vec<ChangeView>, StoreError> {
        let direction = Direction::ascending(filter.ascending);
        let span = match filter.run {
            Some(run) => match self.span(tenant, run).await? {
                Some(span) => Some(span),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        let keys: Keys = match span {
            Some(span) => Box::new(filter.of_run(tenant, span, &page)),
            None => filter.keys(tenant, &page),
        };
        let query = inventory_changes::table
            .inner_join(
                inventory_items::table.on(inventory_items::id.eq(inventory_changes::item_id)),
            )
            .filter(inventory_changes::tenant_id.eq(tenant.into_uuid()))
            .filter(within(KEY, keys))
            .limit(page.limit)
            .select(ChangeRow::as_select())
            .into_boxed::<Pg>()
            .order(ordered(KEY, direction));
        let rows = self
            .read(async |connection| query.load(connection).await)
            .await?;
        rows.into_iter().map(ChangeRow::into_view).collect()
    }

    /// When a run of the tenant began and, if it has ended, ended. No other run of the tenant's inventory
    /// was under way meanwhile.
    async fn span(&self, tenant: TenantId, run: RunId) -> Result<Option<Span>, StoreError> {
        let query = operation_runs::table
            .find(run.into_uuid())
            .filter(operation_runs::tenant_id.eq(tenant.into_uuid()))
            .select((operation_runs::created_at, operation_runs::completed_at));
        let found: Option<(DateTime<Utc>, Option<DateTime<Utc>>)> = self
            .read(async |connection| query.first(connection).await.optional())
            .await?;
        Ok(found.map(|(from, to)| Span {
            run: run.into_uuid(),
            from,
            to,
        }))
    }
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
