//! Tenants as their members see them.

use atlas_domain::access::Role;
use atlas_domain::ids::{DirectoryId, RunId, TenantId, UserId};
use atlas_domain::tenant::Cloud;
use chrono::{DateTime, Utc};
use const_format::concatcp;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::access::parse_role;
use crate::admin::parse_cloud;
use crate::error::StoreError;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::prepared::prepared;

/// A tenant, with the member's role and how its syncs stand.
#[derive(Debug, Clone)]
pub struct TenantView {
    /// Our id.
    pub id: TenantId,
    /// Name for people.
    pub name: String,
    /// Microsoft Entra's id.
    pub directory_id: DirectoryId,
    /// Where the directory lives.
    pub cloud: Cloud,
    /// Whether it may be synced.
    pub enabled: bool,
    /// Whether it has credentials.
    pub connected: bool,
    /// The member's role.
    pub role: Role,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When a sync last succeeded.
    pub last_success_at: Option<DateTime<Utc>>,
    /// When a sync was last asked for.
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// The newest run that is queued or running.
    pub active_run: Option<RunId>,
    /// When any policy type was last read to its end.
    pub data_as_of: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = SqlUuid)]
    directory_id: Uuid,
    #[diesel(sql_type = Text)]
    cloud: String,
    #[diesel(sql_type = Bool)]
    enabled: bool,
    #[diesel(sql_type = Bool)]
    connected: bool,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_success_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_attempt_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    active_run: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    data_as_of: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "SELECT t.id, t.name, t.directory_id, t.cloud, t.enabled, \
        EXISTS (SELECT 1 FROM tenant_credentials k WHERE k.tenant_id = t.id) AS connected, \
        m.role, t.created_at, \
        (SELECT r.completed_at FROM operation_runs r WHERE r.tenant_id = t.id \
            AND r.outcome = 'succeeded' ORDER BY r.created_at DESC LIMIT 1) AS last_success_at, \
        (SELECT r.created_at FROM operation_runs r WHERE r.tenant_id = t.id \
            ORDER BY r.created_at DESC, r.id DESC LIMIT 1) AS last_attempt_at, \
        (SELECT r.id FROM operation_runs r WHERE r.tenant_id = t.id \
            AND r.status IN ('queued', 'running') ORDER BY r.created_at DESC LIMIT 1) AS active_run, \
        (SELECT max(s.data_as_of) FROM inventory_type_summaries s WHERE s.tenant_id = t.id) \
            AS data_as_of \
    FROM memberships m JOIN tenants t ON t.id = m.tenant_id WHERE m.user_id = $1";

const LIST: &str = concatcp!(
    COLUMNS,
    " AND (t.name, t.id) > (coalesce($2, ''), \
        coalesce($3, '00000000-0000-0000-0000-000000000000'::uuid)) \
    ORDER BY t.name, t.id LIMIT $4"
);
const ONE: &str = concatcp!(COLUMNS, " AND t.id = $2");

impl Store {
    /// The tenants that the user belongs to, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tenants_of(
        &self,
        user: UserId,
        page: PageRequest<(String, TenantId)>,
    ) -> Result<Vec<TenantView>, StoreError> {
        let (after_name, after_id) = page.after.unzip();
        let rows: Vec<Row> = prepared(
            sql_query(LIST)
                .bind::<SqlUuid, _>(user.into_uuid())
                .bind::<Nullable<Text>, _>(after_name)
                .bind::<Nullable<SqlUuid>, _>(after_id.map(TenantId::into_uuid))
                .bind::<BigInt, _>(page.limit),
        )
        .load(&mut self.connection().await?)
        .await?;
        rows.into_iter().map(Row::into_view).collect()
    }

    /// One tenant that the user belongs to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tenant_of(
        &self,
        tenant: TenantId,
        user: UserId,
    ) -> Result<Option<TenantView>, StoreError> {
        let row: Option<Row> = prepared(
            sql_query(ONE)
                .bind::<SqlUuid, _>(user.into_uuid())
                .bind::<SqlUuid, _>(tenant.into_uuid()),
        )
        .get_result(&mut self.connection().await?)
        .await
        .optional()?;
        row.map(Row::into_view).transpose()
    }
}

impl Row {
    fn into_view(self) -> Result<TenantView, StoreError> {
        Ok(TenantView {
            id: TenantId::from_uuid(self.id),
            name: self.name,
            directory_id: DirectoryId::from_uuid(self.directory_id),
            cloud: parse_cloud(&self.cloud)?,
            enabled: self.enabled,
            connected: self.connected,
            role: parse_role(&self.role)?,
            created_at: self.created_at,
            last_success_at: self.last_success_at,
            last_attempt_at: self.last_attempt_at,
            active_run: self.active_run.map(RunId::from_uuid),
            data_as_of: self.data_as_of,
        })
    }
}
