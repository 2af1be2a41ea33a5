//! What a page of an export is made of: items in their order, versions and bodies, and how many bytes
//! they take.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use atlas_domain::ids::TenantId;
use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::functions::pg_column_size;
use crate::inventory::versions::{Bodies, CurrentVersion, PastVersion};
use crate::keyset::{Direction, beyond};
use crate::schema::{
    inventory_bodies, inventory_contents, inventory_items, inventory_links, inventory_versions,
};

/// Items of a page at most.
pub(super) const ITEMS: i64 = 100;
/// About what a link takes.
const LINK_BYTES: i64 = 256;

/// The item after which an export continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportKey {
    pub(super) policy_type: String,
    pub(super) external_id: String,
}

/// Where a page begins.
pub(super) enum Start {
    Beginning,
    After(ExportKey),
    /// Within one of the types that were asked for, after this id.
    OfType(ExportKey),
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = inventory_items, check_for_backend(Pg))]
pub(super) struct CurrentRow {
    pub(super) id: Uuid,
    pub(super) policy_type: String,
    pub(super) external_id: String,
    pub(super) category: String,
    pub(super) foundation: bool,
    pub(super) platform: String,
    pub(super) scope_tags: Vec<String>,
    pub(super) metadata: Value,
    #[diesel(embed)]
    pub(super) version: CurrentVersion,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = inventory_versions, check_for_backend(Pg))]
pub(super) struct PastRow {
    pub(super) item_id: Uuid,
    pub(super) platform: String,
    pub(super) scope_tags: Vec<String>,
    pub(super) metadata: Value,
    #[diesel(embed)]
    pub(super) version: PastVersion,
    pub(super) content_hash: Option<Vec<u8>>,
    pub(super) values_hash: Option<Vec<u8>>,
    pub(super) assignments_hash: Option<Vec<u8>>,
}

/// An item of the page, with what its current content takes.
pub(super) struct Candidate {
    pub(super) row: CurrentRow,
    pub(super) bytes: i64,
}

/// Bytes of a content, of values and of assignments.
type Lengths = (Option<i32>, Option<i32>, Option<i32>);

const KEY: (inventory_items::policy_type, inventory_items::external_id) =
    (inventory_items::policy_type, inventory_items::external_id);

/// The next items by key, with what their current content takes.
pub(super) async fn candidates(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    start: &Start,
    only_present: bool,
) -> QueryResult<Vec<Candidate>> {
    let mut query = inventory_items::table
        .left_join(inventory_contents::table)
        .filter(inventory_items::tenant_id.eq(tenant.into_uuid()))
        .order(KEY)
        .limit(ITEMS)
        .select((
            CurrentRow::as_select(),
            (
                pg_column_size(inventory_contents::content.nullable()),
                pg_column_size(inventory_contents::value_fields.nullable()),
                pg_column_size(inventory_contents::assignments.nullable()),
            ),
        ))
        .into_boxed();
    match start {
        Start::Beginning => {}
        Start::After(key) => {
            let last = (key.policy_type.clone(), key.external_id.clone());
            query = query.filter(beyond(KEY, last, Direction::Ascending));
        }
        Start::OfType(key) => {
            query = query
                .filter(inventory_items::policy_type.eq(key.policy_type.clone()))
                .filter(inventory_items::external_id.gt(key.external_id.clone()));
        }
    }
    if only_present {
        query = query.filter(inventory_items::missing_since.is_null());
    }
    let rows: Vec<(CurrentRow, Lengths)> = query.load(connection).await?;
    let candidate = |(row, (content, values, assignments))| Candidate {
        row,
        bytes: [content, values, assignments]
            .into_iter()
            .flatten()
            .map(i64::from)
            .sum(),
    };
    Ok(rows.into_iter().map(candidate).collect())
}

/// Adds what the links of the candidates take.
pub(super) async fn add_links(
    connection: &mut AsyncPgConnection,
    candidates: &mut [Candidate],
) -> QueryResult<()> {
    let ids: Vec<Uuid> = candidates.iter().map(|one| one.row.id).collect();
    let counts: Vec<(Uuid, i64)> = inventory_links::table
        .filter(inventory_links::item_id.eq_any(ids))
        .group_by(inventory_links::item_id)
        .select((inventory_links::item_id, count_star()))
        .load(connection)
        .await?;
    let counts: HashMap<Uuid, i64> = counts.into_iter().collect();
    for one in candidates {
        one.bytes += counts
            .get(&one.row.id)
            .map_or(0, |count| count * LINK_BYTES);
    }
    Ok(())
}

/// The versions before the current one that were valid at the time, by item.
pub(super) async fn versions(
    connection: &mut AsyncPgConnection,
    items: Vec<Uuid>,
    time: DateTime<Utc>,
) -> QueryResult<HashMap<Uuid, PastRow>> {
    if items.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<PastRow> = inventory_versions::table
        .filter(inventory_versions::item_id.eq_any(items))
        .filter(inventory_versions::valid_from.le(time))
        .filter(inventory_versions::valid_to.gt(time))
        .select(PastRow::as_select())
        .load(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.item_id, row)).collect())
}

/// What the bodies of the versions take, by hash.
pub(super) async fn sizes(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    versions: &HashMap<Uuid, PastRow>,
) -> QueryResult<BTreeMap<Vec<u8>, i64>> {
    let Some(hashes) = hashes(versions) else {
        return Ok(BTreeMap::new());
    };
    let sizes: Vec<(Vec<u8>, Option<i32>)> = inventory_bodies::table
        .filter(inventory_bodies::tenant_id.eq(tenant.into_uuid()))
        .filter(inventory_bodies::hash.eq_any(hashes))
        .select((
            inventory_bodies::hash,
            pg_column_size(inventory_bodies::body.nullable()),
        ))
        .load(connection)
        .await?;
    let sizes = sizes.into_iter();
    Ok(sizes
        .map(|(hash, bytes)| (hash, i64::from(bytes.unwrap_or(0))))
        .collect())
}

/// The bodies of the versions, by hash.
pub(super) async fn bodies(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    versions: &HashMap<Uuid, PastRow>,
) -> QueryResult<BTreeMap<Vec<u8>, Value>> {
    let Some(hashes) = hashes(versions) else {
        return Ok(BTreeMap::new());
    };
    let bodies: Vec<(Vec<u8>, Value)> = inventory_bodies::table
        .filter(inventory_bodies::tenant_id.eq(tenant.into_uuid()))
        .filter(inventory_bodies::hash.eq_any(hashes))
        .select((inventory_bodies::hash, inventory_bodies::body))
        .load(connection)
        .await?;
    Ok(bodies.into_iter().collect())
}

/// The hashes of the versions, each once; nothing when there are none.
fn hashes(versions: &HashMap<Uuid, PastRow>) -> Option<BTreeSet<Vec<u8>>> {
    let hashes: BTreeSet<Vec<u8>> = versions
        .values()
        .flat_map(PastRow::hashes)
        .cloned()
        .collect();
    (!hashes.is_empty()).then_some(hashes)
}

/// Items with their current contents, by id.
pub(super) async fn current(
    connection: &mut AsyncPgConnection,
    items: Vec<Uuid>,
) -> QueryResult<HashMap<Uuid, (CurrentRow, Bodies)>> {
    let rows: Vec<(CurrentRow, Bodies)> = inventory_items::table
        .left_join(inventory_contents::table)
        .filter(inventory_items::id.eq_any(items))
        .select((
            CurrentRow::as_select(),
            (
                inventory_contents::content.nullable(),
                inventory_contents::value_fields.nullable(),
                inventory_contents::assignments.nullable(),
            ),
        ))
        .load(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(row, bodies)| (row.id, (row, bodies)))
        .collect())
}

impl ExportKey {
    /// Before all items of the type.
    pub(super) fn before(policy_type: &str) -> Self {
        Self {
            policy_type: policy_type.to_owned(),
            external_id: String::new(),
        }
    }
}

impl CurrentRow {
    pub(super) fn key(&self) -> ExportKey {
        ExportKey {
            policy_type: self.policy_type.clone(),
            external_id: self.external_id.clone(),
        }
    }
}

impl PastRow {
    /// Of its bodies, as far as it has them.
    pub(super) fn hashes(&self) -> impl Iterator<Item = &Vec<u8>> {
        let hashes = [
            &self.content_hash,
            &self.values_hash,
            &self.assignments_hash,
        ];
        hashes.into_iter().flatten()
    }
}
