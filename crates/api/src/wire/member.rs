//! Members of tenants.

use atlas_domain::access;
use atlas_store::MemberRow;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::example::{self, Example, moment};
use crate::wire::tenant::Role;

/// A member of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Member {
    /// Identifier of the user.
    id: Uuid,
    /// The user's name.
    #[schema(max_length = 256)]
    display_name: String,
    /// The user's e-mail address.
    #[schema(format = Email, max_length = 320)]
    email: String,
    /// The role in the tenant.
    role: Role,
    /// Since when the user has been a member.
    since: DateTime<Utc>,
    /// Since when the user has been disabled. Absent if the user is not disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<DateTime<Utc>>,
}

impl From<MemberRow> for Member {
    fn from(member: MemberRow) -> Self {
        Self {
            id: member.id.into_uuid(),
            display_name: member.display_name,
            email: member.email,
            role: member.role.into(),
            since: member.since,
            disabled_at: member.disabled_at,
        }
    }
}

impl Example for Member {
    fn example() -> Self {
        Self::from(MemberRow {
            id: example::USER,
            email: example::USER_EMAIL.to_owned(),
            display_name: example::USER_NAME.to_owned(),
            role: access::Role::Operator,
            disabled_at: None,
            since: moment() - TimeDelta::days(90),
        })
    }
}
