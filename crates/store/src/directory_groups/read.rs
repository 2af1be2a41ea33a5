//! Groups as pages see them. The tenant comes first: there is no finder without one.

use atlas_domain::directory::GroupType;
use atlas_domain::ids::{GroupId, TenantId};
use chrono::{DateTime, Utc};
use const_format::concatcp;
use diesel::sql_types::{
    Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::search::GroupPlace;
use crate::error::StoreError;
use crate::pool::Store;
use crate::prepared::prepared;

/// A group, as it was last told.
#[derive(Debug, Clone)]
pub struct GroupView {
    /// Microsoft Entra's id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// What it is for.
    pub group_type: GroupType,
    /// Members follow from a rule.
    pub dynamic: bool,
    /// That rule.
    pub membership_rule: Option<String>,
    /// It may be given roles of the directory.
    pub assignable_to_role: bool,
    /// It comes from a directory on premises.
    pub on_premises: bool,
    /// Who may see its members.
    pub visibility: Option<String>,
    /// When a sync first told of it.
    pub first_seen_at: DateTime<Utc>,
    /// When what is known of it last changed.
    pub changed_at: DateTime<Utc>,
    /// Since when it is gone; absent while it is there.
    pub removed_at: Option<DateTime<Utc>>,
    /// Where it stands in the list that it was found in.
    pub place: GroupPlace,
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
    /// When every group was last told, and not changes alone.
    pub full_at: DateTime<Utc>,
}

/// Columns of [`GroupRow`] from a group `g`, with its rank.
pub(super) const COLUMNS: &str = "g.id, g.detail, g.name_key, g.group_type, g.first_seen_at, \
    g.changed_at, g.removed_at";

const BY_IDS: &str = concatcp!(
    "SELECT ",
    COLUMNS,
    ", 0 AS rank FROM directory_groups g WHERE g.tenant_id = $1 AND g.id = ANY($2) ORDER BY g.id"
);

const READING: &str = "SELECT present, removed, data_as_of, full_at \
    FROM directory_group_readings WHERE tenant_id = $1";
const DELTA_LINK: &str = "SELECT delta_link FROM directory_group_readings WHERE tenant_id = $1";

#[derive(QueryableByName)]
pub(super) struct GroupRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Jsonb)]
    detail: Value,
    #[diesel(sql_type = Text)]
    name_key: String,
    #[diesel(sql_type = Text)]
    group_type: String,
    #[diesel(sql_type = Timestamptz)]
    first_seen_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    changed_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    removed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Integer)]
    rank: i32,
}

#[derive(QueryableByName)]
struct ReadingRow {
    #[diesel(sql_type = BigInt)]
    present: i64,
    #[diesel(sql_type = BigInt)]
    removed: i64,
    #[diesel(sql_type = Timestamptz)]
    data_as_of: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    full_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct LinkRow {
    #[diesel(sql_type = Text)]
    delta_link: String,
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
    pub(super) fn into_view(self) -> Result<GroupView, StoreError> {
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
                rank: self.rank,
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
        let rows: Vec<GroupRow> = prepared(
            sql_query(BY_IDS)
                .bind::<SqlUuid, _>(tenant.into_uuid())
                .bind::<Array<SqlUuid>, _>(ids),
        )
        .load(&mut self.connection().await?)
        .await?;
        rows.into_iter().map(GroupRow::into_view).collect()
    }

    /// How far the tenant's groups were read; `None` when they never were to their end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn group_reading(
        &self,
        tenant: TenantId,
    ) -> Result<Option<GroupReading>, StoreError> {
        let row: Option<ReadingRow> =
            prepared(sql_query(READING).bind::<SqlUuid, _>(tenant.into_uuid()))
                .get_result(&mut self.connection().await?)
                .await
                .optional()?;
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
        let row: Option<LinkRow> =
            prepared(sql_query(DELTA_LINK).bind::<SqlUuid, _>(tenant.into_uuid()))
                .get_result(&mut self.connection().await?)
                .await
                .optional()?;
        Ok(row.map(|row| row.delta_link))
    }
}
