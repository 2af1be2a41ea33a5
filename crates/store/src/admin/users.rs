//! Users, their tokens and their roles.

use atlas_domain::access::Role;
use atlas_domain::access::api_token::TokenHash;
use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::ids::{TenantId, TokenId, UserId};
use chrono::{DateTime, Utc};
use diesel::result::Error as DieselError;
use diesel::sql_types::{Binary, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::or_conflict;
use crate::audit::NewAuditEvent;
use crate::error::StoreError;
use crate::pool::Store;

/// A user.
#[derive(Debug, Clone)]
pub struct UserRow {
    /// The user's id.
    pub id: UserId,
    /// E-mail address.
    pub email: String,
    /// Name for people.
    pub display_name: String,
}

#[derive(QueryableByName)]
struct RawUser {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    display_name: String,
}

impl Store {
    /// Adds a user.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the address is taken.
    pub async fn add_user(&self, email: &str, display_name: &str) -> Result<UserId, StoreError> {
        let id = self.mint();
        sql_query("INSERT INTO users (id, email, display_name) VALUES ($1, $2, $3)")
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(email)
            .bind::<Text, _>(display_name)
            .execute(&mut self.connection().await?)
            .await
            .map_err(|error| or_conflict(error, "a user with this e-mail address"))?;
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
        self.connection()
            .await?
            .transaction::<(), DieselError, _>(async |connection| {
                sql_query(
                    "INSERT INTO users (id, email, display_name, is_operator) \
                     VALUES ($1, $2, $3, true)",
                )
                .bind::<SqlUuid, _>(id)
                .bind::<Text, _>(email)
                .bind::<Text, _>(display_name)
                .execute(connection)
                .await?;
                audit.insert(connection).await
            })
            .await
            .map_err(|error| or_conflict(error, "a user with this e-mail address"))?;
        Ok(UserId::from_uuid(id))
    }

    /// Finds a user by e-mail address, whatever its case.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn user_by_email(&self, email: &str) -> Result<Option<UserRow>, StoreError> {
        let row: Option<RawUser> =
            sql_query("SELECT id, email, display_name FROM users WHERE lower(email) = lower($1)")
                .bind::<Text, _>(email)
                .get_result(&mut self.connection().await?)
                .await
                .optional()?;
        Ok(row.map(|row| UserRow {
            id: UserId::from_uuid(row.id),
            email: row.email,
            display_name: row.display_name,
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
        self.connection()
            .await?
            .transaction::<(), DieselError, _>(async |connection| {
                sql_query(
                    "INSERT INTO memberships (user_id, tenant_id, role) VALUES ($1, $2, $3) \
                     ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = EXCLUDED.role",
                )
                .bind::<SqlUuid, _>(user.into_uuid())
                .bind::<SqlUuid, _>(tenant.into_uuid())
                .bind::<Text, _>(role.as_str())
                .execute(connection)
                .await?;
                audit.insert(connection).await
            })
            .await?;
        Ok(())
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
        sql_query(
            "INSERT INTO api_tokens (id, user_id, name, token_hash, last_four, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(user.into_uuid())
        .bind::<Text, _>(name)
        .bind::<Binary, _>(hash.as_bytes().as_slice())
        .bind::<Text, _>(last_four)
        .bind::<Nullable<Timestamptz>, _>(expires_at)
        .execute(&mut self.connection().await?)
        .await?;
        Ok(TokenId::from_uuid(id))
    }

    /// Makes a token useless; false when there is none that was still valid.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_token(&self, token: TokenId) -> Result<bool, StoreError> {
        let revoked = sql_query(
            "UPDATE api_tokens SET revoked_at = clock_timestamp() \
             WHERE id = $1 AND revoked_at IS NULL",
        )
        .bind::<SqlUuid, _>(token.into_uuid())
        .execute(&mut self.connection().await?)
        .await?;
        Ok(revoked == 1)
    }
}
