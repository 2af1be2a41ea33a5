//! How a version is found: the current one with its item, the ones before it by number or time.

use atlas_domain::ids::{ItemId, RunId, TenantId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::{VersionSummary, WhichVersion};
use crate::inventory::ItemName;
use crate::schema::{inventory_bodies, inventory_contents, inventory_items, inventory_versions};

/// What an item's row says of its current version.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = inventory_items, check_for_backend(Pg))]
pub(in crate::inventory) struct CurrentVersion {
    name: String,
    pub(super) version: i32,
    version_run: Option<Uuid>,
    changed_at: DateTime<Utc>,
    present_since: Option<DateTime<Utc>>,
    missing_since: Option<DateTime<Utc>>,
}

/// A version before the current one.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = inventory_versions, check_for_backend(Pg))]
pub(in crate::inventory) struct PastVersion {
    pub(super) number: i32,
    valid_from: DateTime<Utc>,
    valid_to: DateTime<Utc>,
    run_id: Option<Uuid>,
    name: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = inventory_items, check_for_backend(Pg))]
pub(super) struct CurrentRow {
    id: Uuid,
    policy_type: String,
    external_id: String,
    #[diesel(embed)]
    pub(super) version: CurrentVersion,
}

/// A content, values and assignments, as they are stored.
pub(in crate::inventory) type Bodies = (Option<Value>, Option<Value>, Option<Value>);

diesel::alias!(
    inventory_bodies as values_bodies: ValuesBodies,
    inventory_bodies as assignments_bodies: AssignmentsBodies,
);

/// An item, one of its versions, and what that contains.
pub(super) type Found = (ItemName, VersionSummary, Bodies);

/// The version. Contents are read of this version alone: that it is the current one is not known before.
pub(super) async fn find(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    item: ItemId,
    which: WhichVersion,
) -> QueryResult<Option<Found>> {
    let ended = which.ended();
    if let Some(ended) = ended {
        let found = past(connection, tenant, item, ended).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    let Some((current, bodies)) = current(connection, tenant, item).await? else {
        return Ok(None);
    };
    if current.is(which) {
        return Ok(Some((current.item(), current.version.summary(), bodies)));
    }
    // A sync may have ended the version after the versions before the current one were read.
    match ended {
        Some(ended) => past(connection, tenant, item, ended).await,
        None => Ok(None),
    }
}

/// An item without its content.
pub(super) async fn current_row(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    item: ItemId,
) -> QueryResult<Option<CurrentRow>> {
    inventory_items::table
        .find(item.into_uuid())
        .filter(inventory_items::tenant_id.eq(tenant.into_uuid()))
        .select(CurrentRow::as_select())
        .first(connection)
        .await
        .optional()
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
    tenant: TenantId,
    item: ItemId,
    which: Ended,
) -> QueryResult<Option<Found>> {
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
        .inner_join(inventory_items::table)
        .left_join(inventory_bodies::table.on(of_content))
        .left_join(values_bodies.on(of_values))
        .left_join(assignments_bodies.on(of_assignments))
        .filter(inventory_versions::item_id.eq(item.into_uuid()))
        .filter(inventory_items::tenant_id.eq(tenant.into_uuid()))
        .select((
            CurrentRow::as_select(),
            PastVersion::as_select(),
            (
                inventory_bodies::body.nullable(),
                values_bodies.field(inventory_bodies::body).nullable(),
                assignments_bodies.field(inventory_bodies::body).nullable(),
            ),
        ))
        .into_boxed();
    query = match which {
        Ended::Number(number) => query.filter(inventory_versions::number.eq(number)),
        Ended::At(time) => query
            .filter(inventory_versions::valid_from.le(time))
            .filter(inventory_versions::valid_to.gt(time)),
    };
    let found: Option<(CurrentRow, PastVersion, Bodies)> =
        query.first(connection).await.optional()?;
    Ok(found.map(|(current, version, bodies)| (current.item(), version.summary(), bodies)))
}

/// A version that is not the current one any more.
#[derive(Debug, Clone, Copy)]
enum Ended {
    Number(i32),
    /// The one that was valid then.
    At(DateTime<Utc>),
}

impl WhichVersion {
    /// What it is when it has ended; `None` when it cannot have.
    const fn ended(self) -> Option<Ended> {
        match self {
            Self::Current => None,
            Self::Number(number) => Some(Ended::Number(number)),
            Self::AsOf(time) => Some(Ended::At(time)),
        }
    }
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
    pub(in crate::inventory) const fn is_present(&self) -> bool {
        self.missing_since.is_none()
    }

    /// Whether it was valid at the time.
    pub(in crate::inventory) fn is_valid(&self, time: DateTime<Utc>) -> bool {
        self.valid_from() <= time && self.missing_since.is_none_or(|end| end > time)
    }

    pub(in crate::inventory) fn summary(&self) -> VersionSummary {
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
    pub(in crate::inventory) fn summary(&self) -> VersionSummary {
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
