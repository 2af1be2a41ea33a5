//! Users, their tokens and their roles.

use atlas_domain::access::Role;
use atlas_domain::access::api_token::TokenHash;
use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::ids::{TenantId, TokenId, UserId};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::or_conflict;
use crate::audit::NewAuditEvent;
use crate::error::StoreError;
use crate::functions::{clock_timestamp, lower};
use crate::pool::Store;
use crate::schema::{api_tokens, memberships, users};

/// A user.
#[derive(Debug, Clone)]
pub struct UserRow {
    pub id: UserId,
    pub email: String,
    pub display_name: String,
}

const ADDRESS_TAKEN: &str = "a user with this e-mail address";

impl Store {
    /// Adds a user.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the address is taken.
    pub async fn add_user(&self, email: &str, display_name: &str) -> Result<UserId, StoreError> {
        let id = self.mint();
        let user = (
            users::id.eq(id),
            users::email.eq(email),
            users::display_name.eq(display_name),
        );
        self.read(async |connection| {
            diesel::insert_into(users::table)
                .values(user)
                .execute(connection)
                .await
        })
        .await
        .map_err(|error| or_conflict(error, ADDRESS_TAKEN))?;
        Ok(UserId::from_uuid(id))
    }

    /// Adds a user who operates the installation.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the address is taken.
    pub async fn add_operator(
        &self,
        email: &str,
        display_name: &str,
    ) -> Result<UserId, StoreError> {
        let id = self.mint();
        let audit = self.identify(NewAuditEvent {
            tenant: None,
            actor_kind: ActorKind::Installation,
            actor: None,
            action: AuditAction::OperatorAdded,
            target_kind: "user",
            target_id: id.to_string(),
            outcome: AuditOutcome::Allowed,
            request_id: None,
            detail: None,
        });
        let user = (
            users::id.eq(id),
            users::email.eq(email),
            users::display_name.eq(display_name),
            users::is_operator.eq(true),
        );
        self.read(async |connection| {
            connection
                .transaction(async |connection| {
                    diesel::insert_into(users::table)
                        .values(user)
                        .execute(connection)
                        .await?;
                    audit.insert(connection).await
                })
                .await
        })
        .await
        .map_err(|error| or_conflict(error, ADDRESS_TAKEN))?;
        Ok(UserId::from_uuid(id))
    }

    /// Finds a user by e-mail address, whatever its case.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn user_by_email(&self, email: &str) -> Result<Option<UserRow>, StoreError> {
        let user = users::table
            .filter(lower(users::email).eq(lower(email)))
            .select((users::id, users::email, users::display_name));
        let row: Option<(Uuid, String, String)> = self
            .read(async |connection| user.first(connection).await.optional())
            .await?;
        Ok(row.map(|(id, email, display_name)| UserRow {
            id: UserId::from_uuid(id),
            email,
            display_name,
        }))
    }

    /// Gives a user a role in a tenant, in place of the one before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_member(
        &self,
        tenant: TenantId,
        user: UserId,
        role: Role,
    ) -> Result<(), StoreError> {
        let audit = self.audited(
            tenant,
            AuditAction::MemberSet,
            "user",
            user.to_string(),
            json!({ "role": role.as_str() }),
        );
        let member = (
            memberships::user_id.eq(user.into_uuid()),
            memberships::tenant_id.eq(tenant.into_uuid()),
            memberships::role.eq(role.as_str()),
        );
        self.read(async |connection| {
            connection
                .transaction(async |connection| {
                    diesel::insert_into(memberships::table)
                        .values(member)
                        .on_conflict((memberships::user_id, memberships::tenant_id))
                        .do_update()
                        .set(memberships::role.eq(role.as_str()))
                        .execute(connection)
                        .await?;
                    audit.insert(connection).await
                })
                .await
        })
        .await
    }

    /// Records a token by its hash.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_token(
        &self,
        user: UserId,
        name: &str,
        hash: &TokenHash,
        last_four: &str,
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<TokenId, StoreError> {
        let id = self.mint();
        let token = (
            api_tokens::id.eq(id),
            api_tokens::user_id.eq(user.into_uuid()),
            api_tokens::name.eq(name),
            api_tokens::token_hash.eq(hash.as_bytes().as_slice()),
            api_tokens::last_four.eq(last_four),
            api_tokens::expires_at.eq(expires_at),
        );
        self.read(async |connection| {
            diesel::insert_into(api_tokens::table)
                .values(token)
                .execute(connection)
                .await
        })
        .await?;
        Ok(TokenId::from_uuid(id))
    }

    /// Makes a token useless; false when there is none that was still valid.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_token(&self, token: TokenId) -> Result<bool, StoreError> {
        let valid = api_tokens::table
            .find(token.into_uuid())
            .filter(api_tokens::revoked_at.is_null());
        let revoked = self
            .read(async |connection| {
                diesel::update(valid)
                    .set(api_tokens::revoked_at.eq(clock_timestamp().nullable()))
                    .execute(connection)
                    .await
            })
            .await?;
        Ok(revoked == 1)
    }
}
