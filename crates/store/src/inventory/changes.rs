//! What changed, as screens see it. The tenant comes first: there is no finder without one.

use atlas_domain::ids::{ChangeId, ItemId, RunId, TenantId};
use atlas_domain::inventory::change::ChangeKind;
use chrono::{DateTime, Utc};
use const_format::concatcp;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::prepared::prepared;

/// Something that happened to an item.
#[derive(Debug, Clone)]
pub struct ChangeView {
    /// Its id.
    pub id: ChangeId,
    /// When the sync recorded it.
    pub occurred_at: DateTime<Utc>,
    /// What happened.
    pub kind: ChangeKind,
    /// The run that saw it.
    pub run_id: RunId,
    /// The item.
    pub item: ItemName,
    /// What differs; absent where there is nothing to tell, or where what was before is not known.
    pub detail: Option<ChangeDetail>,
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
/// are told; the counts count all.
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
        /// How many are.
        added_count: u64,
        /// Assignments that are no more.
        removed: Vec<Value>,
        /// How many are.
        removed_count: u64,
    },
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FieldDifference {
    /// Where it stands in the object: a JSON pointer (RFC 6901).
    pub field: String,
    /// What it was; absent when it was not there.
    pub old: Option<Value>,
    /// What it is; absent when it is no longer there.
    pub new: Option<Value>,
}

/// Which changes to list; an empty filter is none.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    /// Not before this.
    pub since: Option<DateTime<Utc>>,
    /// Of this item.
    pub item: Option<ItemId>,
    /// Of these kinds.
    pub kinds: Vec<ChangeKind>,
    /// Of items of these policy types.
    pub policy_types: Vec<String>,
}

#[derive(QueryableByName)]
struct ChangeRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    occurred_at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = SqlUuid)]
    run_id: Uuid,
    #[diesel(sql_type = Nullable<Jsonb>)]
    detail: Option<Value>,
    #[diesel(sql_type = SqlUuid)]
    item_id: Uuid,
    #[diesel(sql_type = Text)]
    policy_type: String,
    #[diesel(sql_type = Text)]
    external_id: String,
    #[diesel(sql_type = Text)]
    name: String,
}

/// $1 tenant, $2 and $3 the key of the last row, $4 since, $5 item, $6 kinds, $7 types, $8 limit.
const COLUMNS: &str = "SELECT x.id, x.occurred_at, x.kind, x.run_id, x.detail, i.id AS item_id, \
    i.policy_type, i.external_id, i.name FROM (";
const NAMED: &str = ") x JOIN inventory_items i ON i.id = x.item_id \
    ORDER BY x.occurred_at DESC, x.id DESC LIMIT $8";
const OF_TENANT: &str = "SELECT c.* FROM inventory_changes c WHERE c.tenant_id = $1 \
    AND (c.occurred_at, c.id) < (coalesce($2, 'infinity'::timestamptz), \
        coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)) \
    AND c.occurred_at >= coalesce($4, '-infinity'::timestamptz)";
const NEWEST: &str = " ORDER BY c.occurred_at DESC, c.id DESC LIMIT $8";

/// One shape per index. Where several kinds or types are asked for, each gives its newest, so that
/// rare ones are not looked for among many others.
const LIST: &str = concatcp!(COLUMNS, OF_TENANT, NEWEST, NAMED);
const LIST_OF_ITEM: &str = concatcp!(
    COLUMNS,
    OF_TENANT,
    " AND c.item_id = $5 AND (cardinality($6) = 0 OR c.kind = ANY($6)) \
        AND (cardinality($7) = 0 OR c.policy_type = ANY($7))",
    NEWEST,
    NAMED
);
const LIST_OF_KINDS: &str = concatcp!(
    COLUMNS,
    "SELECT n.* FROM unnest($6) k CROSS JOIN LATERAL (",
    OF_TENANT,
    " AND c.kind = k",
    NEWEST,
    ") n ORDER BY n.occurred_at DESC, n.id DESC LIMIT $8",
    NAMED
);
const LIST_OF_TYPES: &str = concatcp!(
    COLUMNS,
    "SELECT n.* FROM unnest($7) t CROSS JOIN unnest($6) k CROSS JOIN LATERAL (",
    OF_TENANT,
    " AND c.policy_type = t AND c.kind = k",
    NEWEST,
    ") n ORDER BY n.occurred_at DESC, n.id DESC LIMIT $8",
    NAMED
);

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
        let mut kinds: Vec<&str> = filter.kinds.iter().map(|kind| kind.as_str()).collect();
        let mut types: Vec<&str> = filter.policy_types.iter().map(String::as_str).collect();
        // Each is looked for once.
        kinds.sort_unstable();
        kinds.dedup();
        types.sort_unstable();
        types.dedup();
        let statement = match (filter.item, types.is_empty(), kinds.is_empty()) {
            (Some(_), _, _) => LIST_OF_ITEM,
            (None, false, _) => LIST_OF_TYPES,
            (None, true, false) => LIST_OF_KINDS,
            (None, true, true) => LIST,
        };
        if statement == LIST_OF_TYPES && kinds.is_empty() {
            kinds = ChangeKind::ALL.iter().map(|kind| kind.as_str()).collect();
        }
        let (after_time, after_id) = page.after.unzip();
        let rows: Vec<ChangeRow> = prepared(
            sql_query(statement)
                .bind::<SqlUuid, _>(tenant.into_uuid())
                .bind::<Nullable<Timestamptz>, _>(after_time)
                .bind::<Nullable<SqlUuid>, _>(after_id.map(ChangeId::into_uuid))
                .bind::<Nullable<Timestamptz>, _>(filter.since)
                .bind::<Nullable<SqlUuid>, _>(filter.item.map(ItemId::into_uuid))
                .bind::<Array<Text>, _>(kinds)
                .bind::<Array<Text>, _>(types)
                .bind::<BigInt, _>(page.limit),
        )
        .load(&mut self.connection().await?)
        .await?;
        rows.into_iter().map(ChangeRow::into_view).collect()
    }
}

impl ChangeRow {
    fn into_view(self) -> Result<ChangeView, StoreError> {
        let kind = ChangeKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == self.kind)
            .ok_or_else(|| StoreError::corrupt("change", "unknown kind"))?;
        let detail = self
            .detail
            .map(serde_json::from_value)
            .transpose()
            .map_err(|error| StoreError::corrupt("change", error))?;
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
        })
    }
}
