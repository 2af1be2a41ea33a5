//! Tenants.

use atlas_domain::access::{self, Permission};
use atlas_domain::tenant;
use atlas_store::TenantView;
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
    /// The Microsoft cloud that its directory lives in.
    cloud: Cloud,
    /// Whether it may be synced.
    enabled: bool,
    /// Whether credentials for Microsoft Graph are stored.
    connected: bool,
    /// Your role in it.
    role: Role,
    /// What your role lets you do. Clients must accept words that they do not know.
    #[schema(max_items = 50)]
    permissions: Vec<&'static str>,
    /// When it was added.
    created_at: DateTime<Utc>,
    /// What else can be done with it here.
    capabilities: Capabilities,
    /// How its syncs stand.
    sync: TenantSync,
}

/// What can be done with a tenant here, beside what its members may do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Capabilities {
    /// Searching its directory live, as you see it.
    directory_search: DirectorySearchCapability,
}

/// Whether the directory can be searched live, and with what.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DirectorySearchCapability {
    /// Whether a search that brings what it needs is answered.
    available: bool,
    /// What it needs: delegated_token. Clients must accept words that they do not know.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    needs: &'static str,
    /// The header that brings it.
    #[schema(max_length = 64, pattern = "^[A-Za-z][A-Za-z-]*$")]
    header: &'static str,
}

/// How the syncs of a tenant stand.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantSync {
    /// When a sync last succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success_at: Option<DateTime<Utc>>,
    /// When a sync was last asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt_at: Option<DateTime<Utc>>,
    /// The newest run that is queued or running.
    #[serde(skip_serializing_if = "Option::is_none")]
    active_run_id: Option<Uuid>,
    /// When any policy type was last read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_as_of: Option<DateTime<Utc>>,
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

/// What a member may do, from most to least.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Answers for the tenant.
    Owner,
    /// Runs the tenant and its members.
    Manager,
    /// Starts operations.
    Operator,
    /// Looks.
    Readonly,
}

impl From<TenantView> for Tenant {
    fn from(tenant: TenantView) -> Self {
        let permissions = [
            (tenant.role.may_sync(), Permission::CanSyncTenant),
            (tenant.role.may_cancel(), Permission::CanCancelRun),
        ]
        .into_iter()
        .filter_map(|(may, permission)| may.then_some(permission.as_str()))
        .collect();
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
            role: match tenant.role {
                access::Role::Owner => Role::Owner,
                access::Role::Manager => Role::Manager,
                access::Role::Operator => Role::Operator,
                access::Role::Readonly => Role::Readonly,
            },
            permissions,
            created_at: tenant.created_at,
            capabilities: Capabilities {
                directory_search: DirectorySearchCapability {
                    available: tenant.enabled,
                    needs: "delegated_token",
                    header: "X-Graph-Token",
                },
            },
            sync: TenantSync {
                last_success_at: tenant.last_success_at,
                last_attempt_at: tenant.last_attempt_at,
                active_run_id: tenant.active_run.map(atlas_domain::ids::RunId::into_uuid),
                data_as_of: tenant.data_as_of,
            },
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
            last_success_at: Some(moment()),
            last_attempt_at: Some(moment()),
            active_run: Some(example::RUN),
            data_as_of: Some(moment()),
        })
    }
}
