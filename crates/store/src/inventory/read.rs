//! Items as screens see them. The tenant comes first: there is no finder without one.

use atlas_domain::ids::{ItemId, RunId, TenantId};
use chrono::{DateTime, Utc};
use diesel::dsl::max;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::keyset::{Direction, beyond, ordered};
use crate::page::PageRequest;
use crate::pattern::containing;
use crate::pool::Store;
use crate::schema::{inventory_items, inventory_type_summaries};

/// A stored item.
#[derive(Debug, Clone)]
pub struct ItemView {
    /// Our id.
    pub id: ItemId,
    /// Key of its policy type.
    pub policy_type: String,
    /// Its id in Microsoft Graph.
    pub external_id: String,
    pub name: String,
    /// Its policy type's category.
    pub category: String,
    pub platform: String,
    /// Whether it is a foundation: an object that policies depend on.
    pub foundation: bool,
    /// Scope tag ids.
    pub scope_tags: Vec<String>,
    /// How many assignments it has, when known.
    pub assignment_count: Option<i32>,
    /// Small, safe facts about it.
    pub metadata: Value,
    pub content_hash: Vec<u8>,
    pub first_seen_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    /// When its content or assignments last differed.
    pub changed_at: DateTime<Utc>,
    pub missing_since: Option<DateTime<Utc>>,
    /// The run that last saw it.
    pub last_seen_run: RunId,
}

/// Which items to list; the default lists all.
#[derive(Debug, Clone, Default)]
pub struct ItemFilter {
    /// Of these policy types.
    pub policy_type: Vec<String>,
    pub category: Option<String>,
    /// Whose platform contains this word.
    pub platform: Option<String>,
    /// Whose name contains this text, whatever its case.
    pub q: Option<String>,
    /// Only missing ones, or only present ones.
    pub missing: Option<bool>,
    /// Only foundations, or only policies.
    pub foundation: Option<bool>,
    /// By descending names.
    pub descending: bool,
}

/// Counts of one policy type, exact as of the last sync that read it.
#[derive(Debug, Clone)]
pub struct TypeSummary {
    /// Key of the policy type.
    pub policy_type: String,
    /// Items that are there.
    pub present: i64,
    /// Items that were there once.
    pub missing: i64,
    /// When the type was last read to its end.
    pub data_as_of: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = inventory_items, check_for_backend(Pg))]
pub(crate) struct ItemRow {
    id: Uuid,
    policy_type: String,
    external_id: String,
    name: String,
    category: String,
    platform: String,
    foundation: bool,
    scope_tags: Vec<String>,
    assignment_count: Option<i32>,
    metadata: Value,
    content_hash: Vec<u8>,
    first_seen_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
    missing_since: Option<DateTime<Utc>>,
    last_seen_run: Uuid,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = inventory_type_summaries, check_for_backend(Pg))]
struct SummaryRow {
    policy_type: String,
    present: i64,
    missing: i64,
    data_as_of: Option<DateTime<Utc>>,
}

/// Items are listed by name. A page is found in an index that holds all that is filtered by, and its
/// wide rows are read afterwards.
const KEY: (inventory_items::name, inventory_items::id) =
    (inventory_items::name, inventory_items::id);

type BoxedKeys = inventory_items::BoxedQuery<'static, Pg, (Text, SqlUuid)>;

/// A name and an id.
type Key = (String, Uuid);

/// Names that a search looks at one by one before it asks the index of parts of names.
const READ_FIRST: i64 = 500;

/// A text that so many names contain is looked for in their order. Each that is found by parts is a row
/// somewhere in the table; of 200,000 names, an index in their order passes about as many pages until
/// it has 50 that contain such a text, when they are spread evenly.
const MANY: i64 = 400;

impl Store {
    /// A tenant's items, by name, ascending unless the filter says otherwise.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn items(
        &self,
        tenant: TenantId,
        filter: &ItemFilter,
        page: PageRequest<(String, ItemId)>,
    ) -> Result<Vec<ItemView>, StoreError> {
        let rows = self
            .read(async |connection| filter.page(connection, tenant, &page).await)
            .await?;
        Ok(rows.into_iter().map(ItemRow::into_view).collect())
    }

    /// One item of a tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn item(
        &self,
        tenant: TenantId,
        item: ItemId,
    ) -> Result<Option<ItemView>, StoreError> {
        let one = inventory_items::table
            .find(item.into_uuid())
            .filter(inventory_items::tenant_id.eq(tenant.into_uuid()))
            .select(ItemRow::as_select());
        let row = self
            .read(async |connection| one.first(connection).await.optional())
            .await?;
        Ok(row.map(ItemRow::into_view))
    }

    /// Counts per policy type.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn inventory_summary(
        &self,
        tenant: TenantId,
    ) -> Result<Vec<TypeSummary>, StoreError> {
        let query = inventory_type_summaries::table
            .filter(inventory_type_summaries::tenant_id.eq(tenant.into_uuid()))
            .order(inventory_type_summaries::policy_type)
            .select(SummaryRow::as_select());
        let rows = self
            .read(async |connection| query.load(connection).await)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| TypeSummary {
                policy_type: row.policy_type,
                present: row.present,
                missing: row.missing,
                data_as_of: row.data_as_of,
            })
            .collect())
    }

    /// When any type of the tenant was last read to its end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn data_as_of(&self, tenant: TenantId) -> Result<Option<DateTime<Utc>>, StoreError> {
        let newest = inventory_type_summaries::table
            .filter(inventory_type_summaries::tenant_id.eq(tenant.into_uuid()))
            .select(max(inventory_type_summaries::data_as_of));
        self.read(async |connection| newest.get_result(connection).await)
            .await
    }
}

impl ItemFilter {
    pub(super) const fn direction(&self) -> Direction {
        Direction::ascending(!self.descending)
    }

    /// The rows of the page.
    pub(crate) async fn page(
        &self,
        connection: &mut AsyncPgConnection,
        tenant: TenantId,
        page: &PageRequest<(String, ItemId)>,
    ) -> QueryResult<Vec<ItemRow>> {
        let ids = match &self.q {
            None => ids(self.keys(tenant, page).load(connection).await?),
            Some(text) => self.search(connection, tenant, page, text).await?,
        };
        inventory_items::table
            .filter(inventory_items::id.eq_any(ids))
            .order(ordered(KEY, self.direction()))
            .select(ItemRow::as_select())
            .load(connection)
            .await
    }

    /// The items of the page whose names contain the text. What many names contain is soon found in
    /// their order, and what few contain is found by its parts. The planner does not know which it is.
    async fn search(
        &self,
        connection: &mut AsyncPgConnection,
        tenant: TenantId,
        page: &PageRequest<(String, ItemId)>,
        text: &str,
    ) -> QueryResult<Vec<Uuid>> {
        let (limit, direction) = (page.limit, page.reads(self.direction()));
        let matching = || {
            self.matching(tenant, page)
                .filter(inventory_items::name.ilike(containing(text)))
        };
        let contains_text = inventory_items::name.ilike(containing(text));
        let first: Vec<(Uuid, bool)> = in_order(self.matching(tenant, page), direction, READ_FIRST)
            .select((inventory_items::id, contains_text))
            .load(connection)
            .await?;
        let are_all = !is_full(&first, READ_FIRST);
        let found = first.into_iter().filter(|(_, contains)| *contains);
        let mut found: Vec<Uuid> = found.map(|(id, _)| id).collect();
        if are_all || is_full(&found, limit) {
            found.truncate(usize::try_from(limit).unwrap_or_default());
            return Ok(found);
        }
        if has_parts(text) {
            // `metadata` is in no index: asking for it keeps the planner from reading all names.
            let by_parts = || matching().filter(inventory_items::metadata.is_not_null());
            let some: Vec<Key> = by_parts().limit(MANY).load(connection).await?;
            if !is_full(&some, limit) {
                return Ok(ids(some));
            }
            if !is_full(&some, MANY) {
                // No index has this order, so that these few are found by parts again.
                let order = (inventory_items::name.concat(""), inventory_items::id);
                let page = by_parts().order(ordered(order, direction)).limit(limit);
                return Ok(ids(page.load(connection).await?));
            }
        }
        let page = in_order(matching(), direction, limit);
        Ok(ids(page.load(connection).await?))
    }

    /// The keys of the page, whatever the names.
    fn keys(&self, tenant: TenantId, page: &PageRequest<(String, ItemId)>) -> BoxedKeys {
        in_order(
            self.matching(tenant, page),
            page.reads(self.direction()),
            page.limit,
        )
    }

    /// The keys of the page and of all that are read after it, whatever the names.
    fn matching(&self, tenant: TenantId, page: &PageRequest<(String, ItemId)>) -> BoxedKeys {
        let mut keys = inventory_items::table
            .filter(inventory_items::tenant_id.eq(tenant.into_uuid()))
            .select(KEY)
            .into_boxed();
        if let Some((name, id)) = page.key() {
            let key = (name.clone(), id.into_uuid());
            keys = keys.filter(beyond(KEY, key, page.reads(self.direction())));
        }
        match &self.policy_type[..] {
            [] => {}
            [one] => keys = keys.filter(inventory_items::policy_type.eq(one.clone())),
            several => keys = keys.filter(inventory_items::policy_type.eq_any(several.to_vec())),
        }
        if let Some(category) = &self.category {
            keys = keys.filter(inventory_items::category.eq(category.clone()));
        }
        if let Some(word) = &self.platform {
            keys = keys.filter(inventory_items::platform.ilike(containing(word)));
        }
        match self.missing {
            Some(true) => keys = keys.filter(inventory_items::missing_since.is_not_null()),
            Some(false) => keys = keys.filter(inventory_items::missing_since.is_null()),
            None => {}
        }
        if let Some(foundation) = self.foundation {
            keys = keys.filter(inventory_items::foundation.eq(foundation));
        }
        keys
    }
}

fn in_order(keys: BoxedKeys, direction: Direction, limit: i64) -> BoxedKeys {
    keys.order(ordered(KEY, direction)).limit(limit)
}

fn is_full<T>(rows: &[T], limit: i64) -> bool {
    i64::try_from(rows.len()).is_ok_and(|count| count >= limit)
}

/// Whether the index of parts of names can find the text: it knows sequences of three letters or
/// digits, in some databases of ASCII alone.
fn has_parts(text: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_alphanumeric())
        .any(|word| word.len() >= 3)
}

fn ids(keys: Vec<Key>) -> Vec<Uuid> {
    keys.into_iter().map(|(_, id)| id).collect()
}

impl ItemRow {
    fn into_view(self) -> ItemView {
        ItemView {
            id: ItemId::from_uuid(self.id),
            policy_type: self.policy_type,
            external_id: self.external_id,
            name: self.name,
            category: self.category,
            platform: self.platform,
            foundation: self.foundation,
            scope_tags: self.scope_tags,
            assignment_count: self.assignment_count,
            metadata: self.metadata,
            content_hash: self.content_hash,
            first_seen_at: self.first_seen_at,
            last_seen_at: self.last_seen_at,
            changed_at: self.changed_at,
            missing_since: self.missing_since,
            last_seen_run: RunId::from_uuid(self.last_seen_run),
        }
    }
}
