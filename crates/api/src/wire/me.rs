//! The current user.

use atlas_domain::access::{self, Membership};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::example::{self, Example, moment};
use crate::wire::tenant::{Role, permissions};

/// The current user.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Me {
    /// Your identifier.
    pub(crate) id: Uuid,
    /// Your e-mail address.
    #[schema(format = Email, max_length = 320)]
    pub(crate) email: String,
    /// Your name.
    #[schema(max_length = 256)]
    pub(crate) display_name: String,
    /// Identifier of the API token of the request.
    pub(crate) token_id: Uuid,
    /// Number of tenants that you are a member of.
    #[schema(minimum = 0)]
    pub(crate) tenant_count: i64,
    /// Whether you are an operator of the installation, with the permission `can_operate_installation`.
    pub(crate) operator: bool,
    /// The tenants that you are a member of, with your role and permissions; the first 1000 by identifier.
    #[schema(max_items = 1000)]
    pub(crate) tenants: Vec<MyTenant>,
    /// The time of the server when it sent the response.
    pub(crate) server_time: DateTime<Utc>,
}

/// A tenant that you are a member of.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct MyTenant {
    /// Its identifier.
    id: Uuid,
    /// Your role in it.
    role: Role,
    /// The permissions of your role. New permissions may be added.
    #[schema(max_items = 50)]
    permissions: Vec<&'static str>,
}

impl From<Membership> for MyTenant {
    fn from(membership: Membership) -> Self {
        Self {
            id: membership.tenant_id.into_uuid(),
            role: membership.role.into(),
            permissions: permissions(membership.role),
        }
    }
}

impl Example for Me {
    fn example() -> Self {
        Self {
            id: example::USER.into_uuid(),
            email: example::USER_EMAIL.to_owned(),
            display_name: example::USER_NAME.to_owned(),
            token_id: example::id(0x0197c19e_2222_7abc_8def_0a1b2c3d4e5f),
            tenant_count: 1,
            operator: false,
            tenants: vec![MyTenant::from(Membership {
                tenant_id: example::TENANT,
                user_id: example::USER,
                role: access::Role::Operator,
            })],
            server_time: moment(),
        }
    }
}
