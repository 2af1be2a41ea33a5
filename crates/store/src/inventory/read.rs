//! Items as screens see them. The tenant comes first: there is no finder without one.

use atlas_domain::ids::{ItemId, RunId, TenantId};
use chrono::{DateTime, Utc};
use const_format::concatcp;
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::prepared::prepared;

/// A stored item.
#[derive(Debug, Clone)]
pub struct ItemView {
    /// Our id.
    pub id: ItemId,
    /// Key of its policy type.
    pub policy_type: String,
    /// Its id in Microsoft Graph.
    pub external_id: String,
    /// Its name.
    pub name: String,
    /// Its policy type's category.
    pub category: String,
    /// Its platform.
    pub platform: String,
    /// Whether it is an object that policies lean on.
    pub foundation: bool,
    /// Scope tag ids.
    pub scope_tags: Vec<String>,
    /// How many assignments it has, when known.
    pub assignment_count: Option<i32>,
    /// Small, safe facts about it.
    pub metadata: Value,
    /// Hash of its content.
    pub content_hash: Vec<u8>,
    /// When it was first seen.
    pub first_seen_at: DateTime<Utc>,
    /// When it was last seen.
    pub last_seen_at: DateTime<Utc>,
    /// When its content or assignments last differed.
    pub changed_at: DateTime<Utc>,
    /// Since when it is missing.
    pub missing_since: Option<DateTime<Utc>>,
    /// The run that last saw it.
    pub last_seen_run: RunId,
}

/// Which items to list; an empty filter is none.
#[derive(Debug, Clone, Default)]
pub struct ItemFilter {
    /// Of these policy types.
    pub policy_type: Vec<String>,
    /// Of this category.
    pub category: Option<String>,
    /// Whose platform contains this word.
    pub platform: Option<String>,
    /// Whose name contains this text, whatever its case.
    pub q: Option<String>,
    /// Only missing ones, or only present ones.
    pub missing: Option<bool>,
    /// Only foundations, or only policies.
    pub foundation: Option<bool>,
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

#[derive(QueryableByName)]
struct ItemRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    policy_type: String,
    #[diesel(sql_type = Text)]
    external_id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    category: String,
    #[diesel(sql_type = Text)]
    platform: String,
    #[diesel(sql_type = Bool)]
    foundation: bool,
    #[diesel(sql_type = Array<Text>)]
    scope_tags: Vec<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    assignment_count: Option<i32>,
    #[diesel(sql_type = Jsonb)]
    metadata: Value,
    #[diesel(sql_type = Binary)]
    content_hash: Vec<u8>,
    #[diesel(sql_type = Timestamptz)]
    first_seen_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    last_seen_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    changed_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    missing_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = SqlUuid)]
    last_seen_run: Uuid,
}

#[derive(QueryableByName)]
struct SummaryRow {
    #[diesel(sql_type = Text)]
    policy_type: String,
    #[diesel(sql_type = BigInt)]
    present: i64,
    #[diesel(sql_type = BigInt)]
    missing: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    data_as_of: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct AsOfRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    data_as_of: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "SELECT i.id, i.policy_type, i.external_id, i.name, i.category, i.platform, \
    i.foundation, i.scope_tags, i.assignment_count, i.metadata, i.content_hash, i.first_seen_at, \
    i.last_seen_at, i.changed_at, i.missing_since, i.last_seen_run \
    FROM inventory_items i WHERE i.tenant_id = $1";

const ONE: &str = concatcp!(COLUMNS, " AND i.id = $2");

/// $2 and $3 the key of the last row, $4 types, $5 platform, $6 name pattern, $7 missing,
/// $8 foundation, $9 category, $10 limit.
const FILTERS: &str = " AND (i.name, i.id) > (coalesce($2, ''), \
        coalesce($3, '00000000-0000-0000-0000-000000000000'::uuid)) \
    AND ($5 IS NULL OR i.platform ILIKE $5) \
    AND ($6 IS NULL OR i.name ILIKE $6) \
    AND ($7 IS NULL OR (i.missing_since IS NOT NULL) = $7) \
    AND ($8 IS NULL OR i.foundation = $8)";
const ORDER: &str = " ORDER BY i.name, i.id LIMIT $10";

/// One shape per index: with one type, with one category, with neither. A condition that is
/// sometimes absent would hide the index from a plan that is kept for all calls.
const LIST_OF_TYPE: &str = concatcp!(
    COLUMNS,
    " AND i.policy_type = ($4)[1] AND ($9 IS NULL OR i.category = $9)",
    FILTERS,
    ORDER
);
const LIST_OF_CATEGORY: &str = concatcp!(
    COLUMNS,
    " AND i.category = $9 AND (cardinality($4) = 0 OR i.policy_type = ANY($4))",
    FILTERS,
    ORDER
);
const LIST: &str = concatcp!(
    COLUMNS,
    " AND $9 IS NULL AND (cardinality($4) = 0 OR i.policy_type = ANY($4))",
    FILTERS,
    ORDER
);

const SUMMARY: &str = "SELECT policy_type, present, missing, data_as_of \
    FROM inventory_type_summaries WHERE tenant_id = $1 ORDER BY policy_type";

const DATA_AS_OF: &str =
    "SELECT max(data_as_of) AS data_as_of FROM inventory_type_summaries WHERE tenant_id = $1";

impl Store {
    /// A tenant's items, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn items(
        &self,
        tenant: TenantId,
        filter: &ItemFilter,
        page: PageRequest<(String, ItemId)>,
    ) -> Result<Vec<ItemView>, StoreError> {
        let statement = match (filter.policy_type.len(), &filter.category) {
            (1, _) => LIST_OF_TYPE,
            (_, Some(_)) => LIST_OF_CATEGORY,
            (_, None) => LIST,
        };
        let (after_name, after_id) = page.after.unzip();
        let rows: Vec<ItemRow> = prepared(
            sql_query(statement)
                .bind::<SqlUuid, _>(tenant.into_uuid())
                .bind::<Nullable<Text>, _>(after_name)
                .bind::<Nullable<SqlUuid>, _>(after_id.map(ItemId::into_uuid))
                .bind::<Array<Text>, _>(&filter.policy_type)
                .bind::<Nullable<Text>, _>(filter.platform.as_deref().map(contains))
                .bind::<Nullable<Text>, _>(filter.q.as_deref().map(contains))
                .bind::<Nullable<Bool>, _>(filter.missing)
                .bind::<Nullable<Bool>, _>(filter.foundation)
                .bind::<Nullable<Text>, _>(&filter.category)
                .bind::<BigInt, _>(page.limit),
        )
        .load(&mut self.connection().await?)
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
        let row: Option<ItemRow> = prepared(
            sql_query(ONE)
                .bind::<SqlUuid, _>(tenant.into_uuid())
                .bind::<SqlUuid, _>(item.into_uuid()),
        )
        .get_result(&mut self.connection().await?)
        .await
        .optional()?;
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
        let rows: Vec<SummaryRow> =
            prepared(sql_query(SUMMARY).bind::<SqlUuid, _>(tenant.into_uuid()))
                .load(&mut self.connection().await?)
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
        let row: AsOfRow = prepared(sql_query(DATA_AS_OF).bind::<SqlUuid, _>(tenant.into_uuid()))
            .get_result(&mut self.connection().await?)
            .await?;
        Ok(row.data_as_of)
    }
}

/// A pattern that matches what contains the text, with its own wildcards taken as letters.
fn contains(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
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

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn wildcards_in_a_search_text_are_letters() {
        assert_eq!(contains(r"50%_\"), r"%50\%\_\\%");
    }
}
