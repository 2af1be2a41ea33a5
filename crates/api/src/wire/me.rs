//! The current user.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::example::{self, Example};

/// The current user.
#[derive(Debug, Serialize, ToSchema)]
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
}

impl Example for Me {
    fn example() -> Self {
        Self {
            id: example::USER.into_uuid(),
            email: "avery@contoso.example".to_owned(),
            display_name: example::USER_NAME.to_owned(),
            token_id: example::id(0x0197c19e_2222_7abc_8def_0a1b2c3d4e5f),
            tenant_count: 12,
        }
    }
}
