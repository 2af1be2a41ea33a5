//! Tenants.

use atlas_domain::access::{self, Permission};
use atlas_domain::ids::RunId;
use atlas_domain::run::OperationKind;
use atlas_domain::tenant;
use atlas_store::{SyncState, TenantView};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::example::{self, Example, moment};

/// A managed tenant, as one of its members sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tenant {
    /// Its identifier here.
    id: Uuid,
    /// Its name.
    #[schema(max_length = 256)]
    name: String,
    /// Its identifier in Microsoft Entra.
    directory_id: Uuid,
    /// The Microsoft cloud of its directory.
    cloud: Cloud,
    /// Whether syncs are enabled.
    enabled: bool,
    /// Whether credentials for Microsoft Graph are stored.
    connected: bool,
    /// Your role in it.
    role: Role,
    /// The permissions of your role. New permissions may be added.
    #[schema(max_items = 50)]
    permissions: Vec<&'static str>,
    /// When it was added.
    created_at: DateTime<Utc>,
    /// Features that are available for the tenant.
    capabilities: Capabilities,
    /// The state of its syncs.
    sync: TenantSync,
}

/// Features that are available for a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Capabilities {
    /// Live search of its directory.
    directory_search: DirectorySearchCapability,
}

/// Whether and how the directory can be searched live.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DirectorySearchCapability {
    /// Whether live searches are available.
    available: bool,
    /// What a search requires: `delegated_token`. New values may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    needs: &'static str,
    /// The request header for it.
    #[schema(max_length = 64, pattern = "^[A-Za-z][A-Za-z-]*$")]
    header: &'static str,
}

/// The state of the syncs of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantSync {
    /// When an inventory sync last succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success_at: Option<DateTime<Utc>>,
    /// When an inventory sync was last started.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt_at: Option<DateTime<Utc>>,
    /// The newest inventory sync that is queued or running.
    #[serde(skip_serializing_if = "Option::is_none")]
    active_run_id: Option<Uuid>,
    /// The same for each kind of run.
    #[schema(max_items = 50)]
    kinds: Vec<KindSync>,
    /// When a policy type was last read completely.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_as_of: Option<DateTime<Utc>>,
}

/// The state of the runs of one kind.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KindSync {
    /// The kind of run, such as `inventory_sync`. New kinds may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: &'static str,
    /// When a run of this kind last succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success_at: Option<DateTime<Utc>>,
    /// When a run of this kind was last started.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt_at: Option<DateTime<Utc>>,
    /// The newest run of this kind that is queued or running.
    #[serde(skip_serializing_if = "Option::is_none")]
    active_run_id: Option<Uuid>,
}

/// A Microsoft cloud.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cloud {
    /// Worldwide.
    Global,
    /// US Government L4.
    UsGovernment,
    /// US Government L5.
    UsGovernmentDod,
    /// China.
    China,
}

/// The role of a member, from most to least permissions.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Answers for the tenant.
    Owner,
    /// Runs the tenant and its members.
    Manager,
    /// Starts and cancels operations.
    Operator,
    /// Reads only.
    Readonly,
}

impl From<access::Role> for Role {
    fn from(role: access::Role) -> Self {
        match role {
            access::Role::Owner => Self::Owner,
            access::Role::Manager => Self::Manager,
            access::Role::Operator => Self::Operator,
            access::Role::Readonly => Self::Readonly,
        }
    }
}

/// The permissions that come with a role in a tenant.
pub(crate) fn permissions(role: access::Role) -> Vec<&'static str> {
    [
        (role.may_sync(), Permission::CanSyncTenant),
        (role.may_cancel(), Permission::CanCancelRun),
        (role.may_schedule(), Permission::CanSetSchedule),
        (role.may_prioritize(), Permission::CanSetPriority),
    ]
    .into_iter()
    .filter_map(|(may, permission)| may.then_some(permission.as_str()))
    .collect()
}

impl TenantSync {
    fn new(syncs: Vec<SyncState>, data_as_of: Option<DateTime<Utc>>) -> Self {
        let of_inventory = syncs
            .iter()
            .find(|state| state.kind == OperationKind::InventorySync);
        Self {
            last_success_at: of_inventory.and_then(|state| state.last_success_at),
            last_attempt_at: of_inventory.and_then(|state| state.last_attempt_at),
            active_run_id: of_inventory.and_then(|state| state.active_run.map(RunId::into_uuid)),
            data_as_of,
            kinds: syncs.into_iter().map(KindSync::from).collect(),
        }
    }
}

impl From<SyncState> for KindSync {
    fn from(state: SyncState) -> Self {
        Self {
            kind: state.kind.as_str(),
            last_success_at: state.last_success_at,
            last_attempt_at: state.last_attempt_at,
            active_run_id: state.active_run.map(RunId::into_uuid),
        }
    }
}

impl From<TenantView> for Tenant {
    fn from(tenant: TenantView) -> Self {
        let permissions = permissions(tenant.role);
        Self {
            id: tenant.id.into_uuid(),
            name: tenant.name,
            directory_id: tenant.directory_id.into_uuid(),
            cloud: match tenant.cloud {
                tenant::Cloud::Global => Cloud::Global,
                tenant::Cloud::UsGovernment => Cloud::UsGovernment,
                tenant::Cloud::UsGovernmentDod => Cloud::UsGovernmentDod,
                tenant::Cloud::China => Cloud::China,
            },
            enabled: tenant.enabled,
            connected: tenant.connected,
            role: tenant.role.into(),
            permissions,
            created_at: tenant.created_at,
            capabilities: Capabilities {
                directory_search: DirectorySearchCapability {
                    available: tenant.enabled,
                    needs: "delegated_token",
                    header: "X-Graph-Token",
                },
            },
            sync: TenantSync::new(tenant.syncs, tenant.data_as_of),
        }
    }
}

impl Example for Tenant {
    fn example() -> Self {
        Self::from(TenantView {
            id: example::TENANT,
            name: example::TENANT_NAME.to_owned(),
            directory_id: example::DIRECTORY,
            cloud: tenant::Cloud::Global,
            enabled: true,
            connected: true,
            role: access::Role::Operator,
            created_at: moment() - TimeDelta::days(90),
            syncs: vec![SyncState {
                kind: OperationKind::InventorySync,
                last_success_at: Some(moment()),
                last_attempt_at: Some(moment()),
                active_run: Some(example::RUN),
            }],
            data_as_of: Some(moment()),
        })
    }
}
