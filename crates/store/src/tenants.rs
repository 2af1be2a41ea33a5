//! Tenants as their members see them.

use std::collections::HashMap;

use atlas_domain::access::Role;
use atlas_domain::ids::{DirectoryId, RunId, TenantId, UserId};
use atlas_domain::run::{OperationKind, Outcome, Status};
use atlas_domain::tenant::Cloud;
use chrono::{DateTime, Utc};
use diesel::dsl::max;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::sql_types::{Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::access::parse_role;
use crate::admin::parse_cloud;
use crate::error::StoreError;
use crate::keyset::after;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::schema::{
    inventory_type_summaries as summaries, memberships, operation_runs as runs, tenant_credentials,
    tenants,
};

/// A tenant, with the member's role and how its syncs stand.
#[derive(Debug, Clone)]
pub struct TenantView {
    /// Our id.
    pub id: TenantId,
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
    pub created_at: DateTime<Utc>,
    /// How its syncs stand, by kind of run, of every kind.
    pub syncs: Vec<SyncState>,
    /// When any policy type was last read to its end.
    pub data_as_of: Option<DateTime<Utc>>,
}

/// How the runs of one kind stand in a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncState {
    pub kind: OperationKind,
    /// When one last succeeded.
    pub last_success_at: Option<DateTime<Utc>>,
    /// When one was last asked for.
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// The newest one that is queued or running.
    pub active_run: Option<RunId>,
}

#[derive(Queryable)]
struct StateRow {
    tenant: Uuid,
    last_success_at: Option<DateTime<Utc>>,
    last_attempt_at: Option<DateTime<Utc>>,
    active_run: Option<Uuid>,
}

#[derive(Queryable)]
struct Row {
    id: Uuid,
    name: String,
    directory_id: Uuid,
    cloud: String,
    enabled: bool,
    connected: bool,
    role: String,
    created_at: DateTime<Utc>,
    data_as_of: Option<DateTime<Utc>>,
}

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
        self.member_tenants(user, None, page).await
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
        let mut found = self
            .member_tenants(user, Some(tenant), PageRequest::first(1))
            .await?;
        Ok(found.pop())
    }

    async fn member_tenants(
        &self,
        user: UserId,
        only: Option<TenantId>,
        page: PageRequest<(String, TenantId)>,
    ) -> Result<Vec<TenantView>, StoreError> {
        let data_as_of = summaries::table
            .filter(summaries::tenant_id.eq(tenants::id))
            .select(max(summaries::data_as_of))
            .single_value();
        let mut query = memberships::table
            .inner_join(tenants::table.left_join(tenant_credentials::table))
            .filter(memberships::user_id.eq(user.into_uuid()))
            .select((
                tenants::id,
                tenants::name,
                tenants::directory_id,
                tenants::cloud,
                tenants::enabled,
                tenant_credentials::tenant_id.nullable().is_not_null(),
                memberships::role,
                tenants::created_at,
                data_as_of,
            ))
            .order((tenants::name, tenants::id))
            .limit(page.limit)
            .into_boxed();
        if let Some(tenant) = only {
            query = query.filter(tenants::id.eq(tenant.into_uuid()));
        }
        if let Some((name, id)) = page.after {
            query = query.filter(after((tenants::name, tenants::id), (name, id.into_uuid())));
        }
        let (rows, mut states) = self
            .read(async |connection| {
                let rows: Vec<Row> = query.load(connection).await?;
                let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
                let mut states: HashMap<Uuid, Vec<SyncState>> = HashMap::new();
                for kind in OperationKind::ALL {
                    for row in sync_states(kind, &ids).load::<StateRow>(connection).await? {
                        let of_tenant = states.entry(row.tenant).or_default();
                        of_tenant.push(row.into_state(kind));
                    }
                }
                Ok((rows, states))
            })
            .await?;
        rows.into_iter()
            .map(|row| {
                let syncs = states.remove(&row.id).unwrap_or_default();
                row.into_view(syncs)
            })
            .collect()
    }
}

type StateTypes = (
    SqlUuid,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
    Nullable<SqlUuid>,
);

/// How the runs of a kind stand in these tenants: of each the first entries of indexes. Runs of rare
/// kinds have an index of their own,.
fn sync_states(
    kind: OperationKind,
    ids: &[Uuid],
) -> impl Query<SqlType = StateTypes> + QueryFragment<Pg> + QueryId + Send {
    let of_kind = || {
        runs::table
            .filter(runs::tenant_id.eq(tenants::id))
            .filter(runs::kind.eq(kind.as_str()))
    };
    let last_success = of_kind()
        .filter(runs::outcome.eq(Outcome::Succeeded.as_str()))
        .order(runs::created_at.desc())
        .limit(1)
        .select(runs::completed_at)
        .single_value();
    let last_attempt = of_kind()
        .order((runs::created_at.desc(), runs::id.desc()))
        .limit(1)
        .select(runs::created_at)
        .single_value();
    let active_run = of_kind()
        .filter(runs::status.eq_any([Status::Queued.as_str(), Status::Running.as_str()]))
        .order(runs::created_at.desc())
        .limit(1)
        .select(runs::id)
        .single_value();
    tenants::table
        .filter(tenants::id.eq_any(ids.to_vec()))
        .select((tenants::id, last_success, last_attempt, active_run))
}

impl StateRow {
    fn into_state(self, kind: OperationKind) -> SyncState {
        SyncState {
            kind,
            last_success_at: self.last_success_at,
            last_attempt_at: self.last_attempt_at,
            active_run: self.active_run.map(RunId::from_uuid),
        }
    }
}

impl Row {
    fn into_view(self, syncs: Vec<SyncState>) -> Result<TenantView, StoreError> {
        Ok(TenantView {
            id: TenantId::from_uuid(self.id),
            name: self.name,
            directory_id: DirectoryId::from_uuid(self.directory_id),
            cloud: parse_cloud(&self.cloud)?,
            enabled: self.enabled,
            connected: self.connected,
            role: parse_role(&self.role)?,
            created_at: self.created_at,
            syncs,
            data_as_of: self.data_as_of,
        })
    }
}
