//! Who a token belongs to, and where that user is a member.

use atlas_domain::access::api_token::TokenHash;
use atlas_domain::access::{Membership, Role};
use atlas_domain::ids::{TenantId, TokenId, UserId};
use diesel::sql_types::{BigInt, Binary, Bool, Text, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::error::StoreError;
use crate::pool::Store;
use crate::prepared::prepared;

/// A user who proved to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The user.
    pub user_id: UserId,
    /// The token that proved it.
    pub token_id: TokenId,
    /// The user's e-mail address.
    pub email: String,
    /// The user's name for people.
    pub display_name: String,
    /// Whether the user operates the installation.
    pub is_operator: bool,
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenLookup {
    /// It is valid.
    Active(Principal),
    /// It was revoked, or its user disabled.
    Revoked,
    /// Its time is over.
    Expired,
    /// Nobody issued it.
    Unknown,
}

#[derive(QueryableByName)]
struct TokenRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    display_name: String,
    #[diesel(sql_type = Bool)]
    is_operator: bool,
    #[diesel(sql_type = Bool)]
    revoked: bool,
    #[diesel(sql_type = Bool)]
    expired: bool,
}

const TOKEN: &str = "SELECT k.id, k.user_id, u.email, u.display_name, u.is_operator, \
        (k.revoked_at IS NOT NULL OR u.disabled_at IS NOT NULL) AS revoked, \
        coalesce(k.expires_at <= clock_timestamp(), false) AS expired \
    FROM api_tokens k JOIN users u ON u.id = k.user_id WHERE k.token_hash = $1";

#[derive(QueryableByName)]
struct RoleRow {
    #[diesel(sql_type = Text)]
    role: String,
}

const MEMBERSHIP: &str = "SELECT role FROM memberships WHERE user_id = $1 AND tenant_id = $2";

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

const MEMBERSHIP_COUNT: &str = "SELECT count(*) AS count FROM memberships WHERE user_id = $1";

impl Store {
    /// Finds the user that a token belongs to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn principal_by_token(&self, hash: &TokenHash) -> Result<TokenLookup, StoreError> {
        let row: Option<TokenRow> =
            prepared(sql_query(TOKEN).bind::<Binary, _>(hash.as_bytes().as_slice()))
                .get_result(&mut self.connection().await?)
                .await
                .optional()?;
        Ok(match row {
            None => TokenLookup::Unknown,
            Some(row) if row.revoked => TokenLookup::Revoked,
            Some(row) if row.expired => TokenLookup::Expired,
            Some(row) => TokenLookup::Active(Principal {
                user_id: UserId::from_uuid(row.user_id),
                token_id: TokenId::from_uuid(row.id),
                email: row.email,
                display_name: row.display_name,
                is_operator: row.is_operator,
            }),
        })
    }

    /// The user's place in the tenant; `None` also when there is no such tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn membership(
        &self,
        tenant_id: TenantId,
        user_id: UserId,
    ) -> Result<Option<Membership>, StoreError> {
        let row: Option<RoleRow> = prepared(
            sql_query(MEMBERSHIP)
                .bind::<SqlUuid, _>(user_id.into_uuid())
                .bind::<SqlUuid, _>(tenant_id.into_uuid()),
        )
        .get_result(&mut self.connection().await?)
        .await
        .optional()?;
        row.map(|row| {
            Ok(Membership {
                tenant_id,
                user_id,
                role: parse_role(&row.role)?,
            })
        })
        .transpose()
    }

    /// In how many tenants the user has a place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn membership_count(&self, user_id: UserId) -> Result<i64, StoreError> {
        let row: CountRow =
            prepared(sql_query(MEMBERSHIP_COUNT).bind::<SqlUuid, _>(user_id.into_uuid()))
                .get_result(&mut self.connection().await?)
                .await?;
        Ok(row.count)
    }
}

/// The words of roles, for a parameter.
pub(crate) fn role_names(roles: &[Role]) -> Vec<&'static str> {
    roles.iter().map(|role| role.as_str()).collect()
}

pub(crate) fn parse_role(text: &str) -> Result<Role, StoreError> {
    text.parse()
        .map_err(|error| StoreError::corrupt("role", error))
}
