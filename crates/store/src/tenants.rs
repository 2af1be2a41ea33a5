//! Tenants as their members see them.

use std::collections::HashMap;

use atlas_domain::access::Role;
use atlas_domain::ids::{DirectoryId, RunId, TenantId, UserId};
use atlas_domain::run::{OperationKind, Outcome, Status};
use atlas_domain::tenant::Cloud;
use chrono::{DateTime, Utc};
use diesel::dsl::{case_when, max};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::access::parse_role;
use crate::admin::parse_cloud;
use crate::error::StoreError;
use crate::first_of_each::{by_one, newest_of_each, value};
use crate::keyset::{Direction, beyond, ordered};
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

/// How the runs of one kind stand in a tenant, but for those that are active.
#[derive(Queryable)]
struct StateRow {
    tenant: Uuid,
    last_attempt_at: DateTime<Utc>,
    last_success_at: Option<DateTime<Utc>>,
}

/// How the runs of some tenants stand.
struct States {
    rows: HashMap<(Uuid, OperationKind), StateRow>,
    active: HashMap<(Uuid, String), Uuid>,
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

/// What tenants are listed by.
const KEY: (tenants::name, tenants::id) = (tenants::name, tenants::id);

impl Store {
    /// The tenants that the user belongs to, by ascending or by descending names.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tenants_of(
        &self,
        user: UserId,
        descending: bool,
        page: PageRequest<(String, TenantId)>,
    ) -> Result<Vec<TenantView>, StoreError> {
        let direction = Direction::ascending(!descending);
        self.member_tenants(user, None, direction, page).await
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
            .member_tenants(
                user,
                Some(tenant),
                Direction::Ascending,
                PageRequest::first(1),
            )
            .await?;
        Ok(found.pop())
    }

    async fn member_tenants(
        &self,
        user: UserId,
        only: Option<TenantId>,
        list: Direction,
        page: PageRequest<(String, TenantId)>,
    ) -> Result<Vec<TenantView>, StoreError> {
        let direction = page.reads(list);
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
            .into_boxed()
            .order(ordered(KEY, direction))
            .limit(page.limit);
        if let Some(tenant) = only {
            query = query.filter(tenants::id.eq(tenant.into_uuid()));
        }
        if let Some((name, id)) = page.key() {
            query = query.filter(beyond(KEY, (name.clone(), id.into_uuid()), direction));
        }
        let (rows, states) = self
            .read(async |connection| {
                let rows: Vec<Row> = query.load(connection).await?;
                let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
                Ok((rows, States::load(&ids, connection).await?))
            })
            .await?;
        page.in_list_order(rows)
            .into_iter()
            .map(|row| {
                let syncs = states.of(row.id);
                row.into_view(syncs)
            })
            .collect()
    }
}

impl States {
    async fn load(tenants: &[Uuid], connection: &mut AsyncPgConnection) -> QueryResult<Self> {
        let active: Vec<(Uuid, String, Uuid)> = active_runs(tenants).load(connection).await?;
        let mut rows = HashMap::new();
        for kind in OperationKind::ALL {
            let of_kind: Vec<StateRow> = sync_states(kind, tenants).load(connection).await?;
            rows.extend(of_kind.into_iter().map(|row| ((row.tenant, kind), row)));
        }
        // The newest comes last, and is kept.
        let active = active.into_iter();
        let active = active.map(|(tenant, kind, run)| ((tenant, kind), run));
        Ok(Self {
            rows,
            active: active.collect(),
        })
    }

    /// Of every kind, also of those that the tenant never had a run of.
    fn of(&self, tenant: Uuid) -> Vec<SyncState> {
        let kinds = OperationKind::ALL.into_iter();
        let state = |kind: OperationKind| {
            let row = self.rows.get(&(tenant, kind));
            let active = self.active.get(&(tenant, kind.as_str().to_owned()));
            SyncState {
                kind,
                last_success_at: row.and_then(|row| row.last_success_at),
                last_attempt_at: row.map(|row| row.last_attempt_at),
                active_run: active.copied().map(RunId::from_uuid),
            }
        };
        kinds.map(state).collect()
    }
}

type StateTypes = (SqlUuid, Timestamptz, Nullable<Timestamptz>);

diesel::alias!(runs as newest: Newest);

/// How the runs of a kind stand in these tenants, but for those that are active. The newest of each has
/// mostly succeeded; only where it did not, one that did is looked for.
fn sync_states(
    kind: OperationKind,
    tenants: &[Uuid],
) -> impl Query<SqlType = StateTypes> + QueryFragment<Pg> + QueryId + Send {
    let succeeded = Outcome::Succeeded.as_str();
    let of_kind = || {
        runs::table
            .filter(runs::tenant_id.eq(value::<SqlUuid>()))
            .filter(runs::kind.eq(kind.as_str()))
    };
    let list = of_kind()
        .order((runs::created_at.desc(), runs::id.desc()))
        .limit(1)
        .select((runs::created_at, runs::outcome, runs::completed_at));
    let last_success = of_kind()
        .filter(runs::outcome.eq(succeeded))
        .order(runs::created_at.desc())
        .limit(1)
        .select(runs::completed_at)
        .single_value();
    let completed_at = newest.field(runs::completed_at);
    let columns = (
        value::<SqlUuid>(),
        newest.field(runs::created_at),
        case_when(newest.field(runs::outcome).eq(succeeded), completed_at).otherwise(last_success),
    );
    newest_of_each(columns, by_one::<SqlUuid, _>(tenants.to_vec()), list)
}

/// The active runs of these tenants, the oldest first.
fn active_runs(
    tenants: &[Uuid],
) -> impl Query<SqlType = (SqlUuid, Text, SqlUuid)> + QueryFragment<Pg> + QueryId + Send {
    runs::table
        .filter(runs::tenant_id.eq_any(tenants.to_vec()))
        .filter(runs::status.eq_any([Status::Queued.as_str(), Status::Running.as_str()]))
        .order((runs::created_at, runs::id))
        .select((runs::tenant_id, runs::kind, runs::id))
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
