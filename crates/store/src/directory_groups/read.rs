//! Groups as pages see them. The tenant comes first: there is no finder without one.

use atlas_domain::directory::GroupType;
use atlas_domain::ids::{GroupId, TenantId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::pool::Store;
use crate::schema::{directory_group_readings, directory_groups};

/// A group, as Graph last returned it.
#[derive(Debug, Clone)]
pub struct GroupView {
    /// Microsoft Entra's id.
    pub id: GroupId,
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    pub group_type: GroupType,
    /// Members follow from a rule.
    pub dynamic: bool,
    pub membership_rule: Option<String>,
    /// It may be given roles of the directory.
    pub assignable_to_role: bool,
    /// It comes from a directory on premises.
    pub on_premises: bool,
    /// Who may see its members.
    pub visibility: Option<String>,
    /// When a sync first read it.
    pub first_seen_at: DateTime<Utc>,
    /// When what is known of it last changed.
    pub changed_at: DateTime<Utc>,
    /// Since when it is gone; absent while it is there.
    pub removed_at: Option<DateTime<Utc>>,
    /// Where it stands in the list that it was found in.
    pub place: GroupPlace,
}

/// Where a group stands in a list, before its id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupPlace {
    /// How it was found: 0 by the beginning of its name, 1 within it, 2 by likeness.
    pub rank: i32,
    /// Its name as it is compared.
    pub name_key: String,
}

/// How far a tenant's groups were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupReading {
    /// Groups that are there.
    pub present: u64,
    /// Groups that were there once.
    pub removed: u64,
    /// When all of it was last current.
    pub data_as_of: DateTime<Utc>,
    /// When every group was last read, and not changes alone.
    pub full_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = directory_groups, check_for_backend(Pg))]
pub(super) struct GroupRow {
    pub(super) id: Uuid,
    detail: Value,
    name_key: String,
    group_type: String,
    first_seen_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
    removed_at: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = directory_group_readings, check_for_backend(Pg))]
struct ReadingRow {
    present: i64,
    removed: i64,
    data_as_of: DateTime<Utc>,
    full_at: DateTime<Utc>,
}

/// What a row's detail holds.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    name: String,
    description: Option<String>,
    dynamic: bool,
    membership_rule: Option<String>,
    assignable_to_role: bool,
    on_premises: bool,
    visibility: Option<String>,
}

impl GroupRow {
    /// As it is shown in a list that it was found in by this rank.
    pub(super) fn into_view(self, rank: i32) -> Result<GroupView, StoreError> {
        let detail: Detail = serde_json::from_value(self.detail)
            .map_err(|error| StoreError::corrupt("group", error))?;
        let group_type = self
            .group_type
            .parse()
            .map_err(|error| StoreError::corrupt("group", error))?;
        Ok(GroupView {
            id: GroupId::from_uuid(self.id),
            name: detail.name,
            description: detail.description,
            group_type,
            dynamic: detail.dynamic,
            membership_rule: detail.membership_rule,
            assignable_to_role: detail.assignable_to_role,
            on_premises: detail.on_premises,
            visibility: detail.visibility,
            first_seen_at: self.first_seen_at,
            changed_at: self.changed_at,
            removed_at: self.removed_at,
            place: GroupPlace {
                rank,
                name_key: self.name_key,
            },
        })
    }
}

impl Store {
    /// Those of the groups that are known, gone ones included.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn groups_by_id(
        &self,
        tenant: TenantId,
        ids: &[GroupId],
    ) -> Result<Vec<GroupView>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.into_uuid()).collect();
        let query = directory_groups::table
            .filter(directory_groups::tenant_id.eq(tenant.into_uuid()))
            .filter(directory_groups::id.eq_any(ids))
            .order(directory_groups::id)
            .select(GroupRow::as_select());
        let rows = self
            .read(async |connection| query.load(connection).await)
            .await?;
        rows.into_iter().map(|row| row.into_view(0)).collect()
    }

    /// How far the tenant's groups were read; `None` when they never were to their end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn group_reading(
        &self,
        tenant: TenantId,
    ) -> Result<Option<GroupReading>, StoreError> {
        let reading = directory_group_readings::table
            .find(tenant.into_uuid())
            .select(ReadingRow::as_select());
        let row = self
            .read(async |connection| reading.first(connection).await.optional())
            .await?;
        Ok(row.map(|row| GroupReading {
            present: row.present.unsigned_abs(),
            removed: row.removed.unsigned_abs(),
            data_as_of: row.data_as_of,
            full_at: row.full_at,
        }))
    }

    /// Where the next reading of the tenant's groups goes on. Not for callers of the API.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn group_delta_link(&self, tenant: TenantId) -> Result<Option<String>, StoreError> {
        let link = directory_group_readings::table
            .find(tenant.into_uuid())
            .select(directory_group_readings::delta_link);
        self.read(async |connection| link.first(connection).await.optional())
            .await
    }
}
