//! What items say and said, version by version. The current version stands with the item, the ones
//! before it in `inventory_versions`. The tenant comes first: there is no finder without one.

mod actors;

use atlas_domain::ids::{ItemId, RunId, TenantId};
use atlas_domain::inventory::actor::MadeBy;
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::ItemName;
use crate::error::StoreError;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::schema::{inventory_bodies, inventory_contents, inventory_items, inventory_versions};

/// An item between two moments, without what it said.
#[derive(Debug, Clone)]
pub struct VersionSummary {
    /// From 1; each version has one more than the one before.
    pub number: i32,
    /// When a sync first saw it. Of version 1 of an item that was stored before versions were kept: when
    /// it last changed.
    pub valid_from: DateTime<Utc>,
    /// When a sync saw the next version, or that the item was gone; absent while it is valid.
    pub valid_to: Option<DateTime<Utc>>,
    /// The run that first saw it, when that is known.
    pub run: Option<RunId>,
    /// The item's name then.
    pub name: String,
    /// Who made the changes that began it, as long as these are kept. Absent in exports.
    pub made_by: Option<MadeBy>,
}

/// An item between two moments, with what it said.
#[derive(Debug, Clone)]
pub struct ItemVersion {
    pub item: ItemName,
    pub version: VersionSummary,
    /// From JSON pointer to value, with what the item sets beside its list row as far as that was read;
    /// absent when no content was kept.
    pub content: Option<Map<String, Value>>,
    /// In their normal form; absent when they are not known.
    pub assignments: Option<Vec<Value>>,
}

/// Which version of an item to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichVersion {
    /// The newest, which is the item's last one if it is gone.
    Current,
    Number(i32),
    /// The one that was valid then.
    AsOf(DateTime<Utc>),
}

/// What an item's row says of its current version.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = inventory_items, check_for_backend(Pg))]
pub(super) struct CurrentVersion {
    name: String,
    version: i32,
    version_run: Option<Uuid>,
    changed_at: DateTime<Utc>,
    present_since: Option<DateTime<Utc>>,
    missing_since: Option<DateTime<Utc>>,
}

/// A version before the current one.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = inventory_versions, check_for_backend(Pg))]
pub(super) struct PastVersion {
    number: i32,
    valid_from: DateTime<Utc>,
    valid_to: DateTime<Utc>,
    run_id: Option<Uuid>,
    name: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = inventory_items, check_for_backend(Pg))]
struct CurrentRow {
    id: Uuid,
    policy_type: String,
    external_id: String,
    #[diesel(embed)]
    version: CurrentVersion,
}

/// A content, values and assignments, as they are stored.
pub(super) type Bodies = (Option<Value>, Option<Value>, Option<Value>);

diesel::alias!(
    inventory_bodies as values_bodies: ValuesBodies,
    inventory_bodies as assignments_bodies: AssignmentsBodies,
);

impl Store {
    /// An item's versions, the newest first, with their actors; `None` when the tenant has no such item.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn item_versions(
        &self,
        tenant: TenantId,
        item: ItemId,
        page: PageRequest<i32>,
    ) -> Result<Option<Vec<VersionSummary>>, StoreError> {
        let found = self
            .read(async |connection| {
                let Some((current, _)) = current(connection, tenant, item).await? else {
                    return Ok(None);
                };
                let before = page.after.unwrap_or(i32::MAX);
                let past = inventory_versions::table
                    .filter(inventory_versions::item_id.eq(item.into_uuid()))
                    .filter(inventory_versions::number.lt(before))
                    .order(inventory_versions::number.desc())
                    .limit(page.limit)
                    .select(PastVersion::as_select())
                    .load(connection)
                    .await?;
                Ok(Some((current.version, past)))
            })
            .await?;
        let Some((current, past)) = found else {
            return Ok(None);
        };
        let newest = page.after.is_none().then(|| current.summary());
        // Versions that ended meanwhile are above the current one that was read before them.
        let past = past
            .iter()
            .filter(|past: &&PastVersion| past.number < current.version);
        let mut versions: Vec<_> = newest
            .into_iter()
            .chain(past.map(PastVersion::summary))
            .collect();
        versions.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
        self.with_actors(tenant, item, versions).await.map(Some)
    }

    /// A version of an item; `None` when the tenant has no such item, or the item no such version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn item_version(
        &self,
        tenant: TenantId,
        item: ItemId,
        which: WhichVersion,
    ) -> Result<Option<ItemVersion>, StoreError> {
        let found = self
            .read(async |connection| {
                let Some((current, bodies)) = current(connection, tenant, item).await? else {
                    return Ok(None);
                };
                let name = current.item();
                if current.is(which) {
                    return Ok(Some((name, current.version.summary(), bodies)));
                }
                let past = past(connection, item, which).await?;
                Ok(past.map(|(version, bodies)| (name, version.summary(), bodies)))
            })
            .await?;
        let Some((name, version, bodies)) = found else {
            return Ok(None);
        };
        let (content, assignments) = contents(bodies)?;
        let version = self.with_actors(tenant, item, vec![version]).await?.pop();
        Ok(version.map(|version| ItemVersion {
            item: name,
            version,
            content,
            assignments,
        }))
    }
}

/// A content and assignments, as far as they are known.
pub(super) type Contents = (Option<Map<String, Value>>, Option<Vec<Value>>);

/// The content, what the item sets beside its list row among it, and the assignments.
pub(super) fn contents((content, values, assignments): Bodies) -> Result<Contents, StoreError> {
    let corrupt = |error| StoreError::corrupt("version", error);
    let values: Option<Map<_, _>> = values
        .map(serde_json::from_value)
        .transpose()
        .map_err(corrupt)?;
    let content: Option<Map<_, _>> = content
        .map(serde_json::from_value)
        .transpose()
        .map_err(corrupt)?;
    let content = content.map(|mut content| {
        content.extend(values.into_iter().flatten());
        content
    });
    let assignments = assignments
        .map(serde_json::from_value)
        .transpose()
        .map_err(corrupt)?;
    Ok((content, assignments))
}

/// An item with its current content.
async fn current(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    item: ItemId,
) -> QueryResult<Option<(CurrentRow, Bodies)>> {
    inventory_items::table
        .find(item.into_uuid())
        .left_join(inventory_contents::table)
        .filter(inventory_items::tenant_id.eq(tenant.into_uuid()))
        .select((
            CurrentRow::as_select(),
            (
                inventory_contents::content.nullable(),
                inventory_contents::value_fields.nullable(),
                inventory_contents::assignments.nullable(),
            ),
        ))
        .first(connection)
        .await
        .optional()
}

/// A version before the current one, of an item of the tenant.
async fn past(
    connection: &mut AsyncPgConnection,
    item: ItemId,
    which: WhichVersion,
) -> QueryResult<Option<(PastVersion, Bodies)>> {
    let of_content = inventory_bodies::tenant_id
        .eq(inventory_versions::tenant_id)
        .and(
            inventory_bodies::hash
                .nullable()
                .eq(inventory_versions::content_hash),
        );
    let of_values = values_bodies
        .field(inventory_bodies::tenant_id)
        .eq(inventory_versions::tenant_id)
        .and(
            values_bodies
                .field(inventory_bodies::hash)
                .nullable()
                .eq(inventory_versions::values_hash),
        );
    let of_assignments = assignments_bodies
        .field(inventory_bodies::tenant_id)
        .eq(inventory_versions::tenant_id)
        .and(
            assignments_bodies
                .field(inventory_bodies::hash)
                .nullable()
                .eq(inventory_versions::assignments_hash),
        );
    let mut query = inventory_versions::table
        .left_join(inventory_bodies::table.on(of_content))
        .left_join(values_bodies.on(of_values))
        .left_join(assignments_bodies.on(of_assignments))
        .filter(inventory_versions::item_id.eq(item.into_uuid()))
        .order(inventory_versions::number.desc())
        .select((
            PastVersion::as_select(),
            (
                inventory_bodies::body.nullable(),
                values_bodies.field(inventory_bodies::body).nullable(),
                assignments_bodies.field(inventory_bodies::body).nullable(),
            ),
        ))
        .into_boxed();
    match which {
        WhichVersion::Current => {}
        WhichVersion::Number(number) => query = query.filter(inventory_versions::number.eq(number)),
        WhichVersion::AsOf(time) => {
            query = query
                .filter(inventory_versions::valid_from.le(time))
                .filter(inventory_versions::valid_to.gt(time));
        }
    }
    query.first(connection).await.optional()
}

impl CurrentRow {
    fn is(&self, which: WhichVersion) -> bool {
        match which {
            WhichVersion::Current => true,
            WhichVersion::Number(number) => number == self.version.version,
            WhichVersion::AsOf(time) => self.version.is_valid(time),
        }
    }

    fn item(&self) -> ItemName {
        ItemName {
            id: ItemId::from_uuid(self.id),
            policy_type: self.policy_type.clone(),
            external_id: self.external_id.clone(),
            name: self.version.name.clone(),
        }
    }
}

impl CurrentVersion {
    /// Whether the item is there now.
    pub(super) const fn is_present(&self) -> bool {
        self.missing_since.is_none()
    }

    /// Whether it was valid at the time.
    pub(super) fn is_valid(&self, time: DateTime<Utc>) -> bool {
        self.valid_from() <= time && self.missing_since.is_none_or(|end| end > time)
    }

    pub(super) fn summary(&self) -> VersionSummary {
        VersionSummary {
            number: self.version,
            valid_from: self.valid_from(),
            valid_to: self.missing_since,
            run: self.version_run.map(RunId::from_uuid),
            name: self.name.clone(),
            made_by: None,
        }
    }

    fn valid_from(&self) -> DateTime<Utc> {
        self.present_since
            .map_or(self.changed_at, |back| back.max(self.changed_at))
    }
}

impl PastVersion {
    pub(super) fn summary(&self) -> VersionSummary {
        VersionSummary {
            number: self.number,
            valid_from: self.valid_from,
            valid_to: Some(self.valid_to),
            run: self.run_id.map(RunId::from_uuid),
            name: self.name.clone(),
            made_by: None,
        }
    }
}
