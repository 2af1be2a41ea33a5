//! What the command line does to an installation: tenants, credentials, users, tokens, roles.

use atlas_domain::access::Role;
use atlas_domain::access::api_token::TokenHash;
use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::ids::{DirectoryId, TenantId, TokenId, UserId};
use atlas_domain::tenant::{Cloud, CredentialKind};
use atlas_domain::vault::Sealed;
use chrono::{DateTime, Utc};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use crate::audit::NewAuditEvent;
use crate::error::StoreError;
use crate::pool::Store;

/// A tenant to be added. Its id is made by the caller, because its secret is sealed for it.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// Our id.
    pub id: TenantId,
    /// Name for people.
    pub name: String,
    /// Microsoft Entra's id.
    pub directory_id: DirectoryId,
    /// Where the directory lives.
    pub cloud: Cloud,
    /// How Graph is reached; a tenant without cannot be synced.
    pub credential: Option<NewCredential>,
}

/// A client secret, encrypted for its tenant.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// The application's id.
    pub client_id: String,
    /// The secret.
    pub sealed: Sealed,
}

/// What a worker needs to sign in to a tenant.
#[derive(Debug, Clone)]
pub struct StoredCredential {
    /// Where the directory lives.
    pub cloud: Cloud,
    /// Microsoft Entra's id of the tenant.
    pub directory_id: DirectoryId,
    /// The application's id.
    pub client_id: String,
    /// The secret.
    pub sealed: Sealed,
}

/// A tenant, as the installation's operator sees it.
#[derive(Debug, Clone)]
pub struct TenantRow {
    /// Our id.
    pub id: TenantId,
    /// Name for people.
    pub name: String,
    /// Microsoft Entra's id.
    pub directory_id: DirectoryId,
    /// Where the directory lives.
    pub cloud: Cloud,
    /// Whether it may be synced.
    pub enabled: bool,
    /// Whether it has credentials.
    pub connected: bool,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

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
struct RawTenant {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = SqlUuid)]
    directory_id: Uuid,
    #[diesel(sql_type = Text)]
    cloud: String,
    #[diesel(sql_type = Bool)]
    enabled: bool,
    #[diesel(sql_type = Bool)]
    connected: bool,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
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

#[derive(QueryableByName)]
struct RawCredential {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    cloud: String,
    #[diesel(sql_type = SqlUuid)]
    directory_id: Uuid,
    #[diesel(sql_type = Text)]
    client_id: String,
    #[diesel(sql_type = Text)]
    key_id: String,
    #[diesel(sql_type = Binary)]
    nonce: Vec<u8>,
    #[diesel(sql_type = Binary)]
    ciphertext: Vec<u8>,
}

const TENANTS: &str = "SELECT t.id, t.name, t.directory_id, t.cloud, t.enabled, \
        (c.tenant_id IS NOT NULL) AS connected, t.created_at \
    FROM tenants t LEFT JOIN tenant_credentials c ON c.tenant_id = t.id \
    WHERE $1 IS NULL OR t.id::text = $1 OR lower(t.name) = lower($1) ORDER BY t.name, t.id";

const STORE_CREDENTIAL: &str = "INSERT INTO tenant_credentials \
        (tenant_id, kind, client_id, key_id, nonce, ciphertext) VALUES ($1, $2, $3, $4, $5, $6) \
    ON CONFLICT (tenant_id) DO UPDATE SET kind = EXCLUDED.kind, client_id = EXCLUDED.client_id, \
        key_id = EXCLUDED.key_id, nonce = EXCLUDED.nonce, ciphertext = EXCLUDED.ciphertext, \
        updated_at = clock_timestamp()";

const CREDENTIALS: &str = "SELECT c.tenant_id, t.cloud, t.directory_id, c.client_id, c.key_id, \
        c.nonce, c.ciphertext FROM tenant_credentials c JOIN tenants t ON t.id = c.tenant_id";
const CREDENTIAL: &str = const_format::concatcp!(CREDENTIALS, " WHERE c.tenant_id = $1");
const CREDENTIALS_NOT_UNDER: &str = const_format::concatcp!(
    CREDENTIALS,
    " WHERE c.key_id <> $1 ORDER BY c.tenant_id LIMIT $2"
);

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

    /// Adds a tenant.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the directory is known already.
    pub async fn add_tenant(&self, new: NewTenant) -> Result<(), StoreError> {
        let audit = self.audited(
            new.id,
            AuditAction::TenantAdded,
            "tenant",
            new.id.to_string(),
            json!({ "name": new.name, "directory_id": new.directory_id, "cloud": new.cloud }),
        );
        self.connection()
            .await?
            .transaction::<(), DieselError, _>(async |connection| {
                sql_query(
                    "INSERT INTO tenants (id, name, directory_id, cloud) VALUES ($1, $2, $3, $4)",
                )
                .bind::<SqlUuid, _>(new.id.into_uuid())
                .bind::<Text, _>(&new.name)
                .bind::<SqlUuid, _>(new.directory_id.into_uuid())
                .bind::<Text, _>(new.cloud.as_str())
                .execute(connection)
                .await?;
                if let Some(credential) = &new.credential {
                    insert_credential(connection, new.id, credential).await?;
                }
                audit.insert(connection).await
            })
            .await
            .map_err(|error| or_conflict(error, "a tenant with this directory id"))
    }

    /// Stores a tenant's credentials, in place of those before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_credential(
        &self,
        tenant: TenantId,
        credential: NewCredential,
    ) -> Result<(), StoreError> {
        let audit = self.audited(
            tenant,
            AuditAction::CredentialsStored,
            "tenant",
            tenant.to_string(),
            json!({ "client_id": credential.client_id }),
        );
        self.connection()
            .await?
            .transaction::<(), DieselError, _>(async |connection| {
                insert_credential(connection, tenant, &credential).await?;
                audit.insert(connection).await
            })
            .await?;
        Ok(())
    }

    /// Every tenant, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn all_tenants(&self) -> Result<Vec<TenantRow>, StoreError> {
        self.tenants_like(None).await
    }

    /// The tenant with this id or, whatever its case, this name; the first by id when several
    /// share the name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tenant_by_name_or_id(&self, text: &str) -> Result<Option<TenantRow>, StoreError> {
        Ok(self.tenants_like(Some(text)).await?.into_iter().next())
    }

    async fn tenants_like(&self, text: Option<&str>) -> Result<Vec<TenantRow>, StoreError> {
        let rows: Vec<RawTenant> = sql_query(TENANTS)
            .bind::<Nullable<Text>, _>(text)
            .load(&mut self.connection().await?)
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(TenantRow {
                    id: TenantId::from_uuid(row.id),
                    name: row.name,
                    directory_id: DirectoryId::from_uuid(row.directory_id),
                    cloud: parse_cloud(&row.cloud)?,
                    enabled: row.enabled,
                    connected: row.connected,
                    created_at: row.created_at,
                })
            })
            .collect()
    }

    /// What a worker needs to sign in to the tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn credential(
        &self,
        tenant: TenantId,
    ) -> Result<Option<StoredCredential>, StoreError> {
        let row: Option<RawCredential> = sql_query(CREDENTIAL)
            .bind::<SqlUuid, _>(tenant.into_uuid())
            .get_result(&mut self.connection().await?)
            .await
            .optional()?;
        row.map(|row| {
            Ok(StoredCredential {
                cloud: parse_cloud(&row.cloud)?,
                directory_id: DirectoryId::from_uuid(row.directory_id),
                client_id: row.client_id,
                sealed: Sealed {
                    key_id: row.key_id,
                    nonce: row.nonce,
                    ciphertext: row.ciphertext,
                },
            })
        })
        .transpose()
    }

    /// Secrets that are encrypted with another key than this one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn credentials_not_under(
        &self,
        key_id: &str,
        limit: i64,
    ) -> Result<Vec<(TenantId, Sealed)>, StoreError> {
        let rows: Vec<RawCredential> = sql_query(CREDENTIALS_NOT_UNDER)
            .bind::<Text, _>(key_id)
            .bind::<BigInt, _>(limit)
            .load(&mut self.connection().await?)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let sealed = Sealed {
                    key_id: row.key_id,
                    nonce: row.nonce,
                    ciphertext: row.ciphertext,
                };
                (TenantId::from_uuid(row.tenant_id), sealed)
            })
            .collect())
    }

    /// Puts the same secret under another key, unless somebody stored another one meanwhile.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replace_sealed(
        &self,
        tenant: TenantId,
        old: &Sealed,
        new: &Sealed,
    ) -> Result<bool, StoreError> {
        let audit = self.audited(
            tenant,
            AuditAction::CredentialsRotated,
            "tenant",
            tenant.to_string(),
            json!({ "key_id": new.key_id }),
        );
        let replaced = self
            .connection()
            .await?
            .transaction::<bool, DieselError, _>(async |connection| {
                let rows = sql_query(
                    "UPDATE tenant_credentials SET key_id = $3, nonce = $4, ciphertext = $5, \
                         updated_at = clock_timestamp() \
                     WHERE tenant_id = $1 AND ciphertext = $2",
                )
                .bind::<SqlUuid, _>(tenant.into_uuid())
                .bind::<Binary, _>(&old.ciphertext)
                .bind::<Text, _>(&new.key_id)
                .bind::<Binary, _>(&new.nonce)
                .bind::<Binary, _>(&new.ciphertext)
                .execute(connection)
                .await?;
                if rows == 1 {
                    audit.insert(connection).await?;
                }
                Ok(rows == 1)
            })
            .await?;
        Ok(replaced)
    }

    fn audited(
        &self,
        tenant: TenantId,
        action: AuditAction,
        target_kind: &'static str,
        target_id: String,
        detail: serde_json::Value,
    ) -> crate::audit::IdentifiedEvent {
        self.identify(NewAuditEvent {
            tenant: Some(tenant),
            actor_kind: ActorKind::Installation,
            actor: None,
            action,
            target_kind,
            target_id,
            outcome: AuditOutcome::Allowed,
            request_id: None,
            detail: Some(detail),
        })
    }
}

async fn insert_credential(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    credential: &NewCredential,
) -> Result<(), DieselError> {
    sql_query(STORE_CREDENTIAL)
        .bind::<SqlUuid, _>(tenant.into_uuid())
        .bind::<Text, _>(CredentialKind::ClientSecret.as_str())
        .bind::<Text, _>(&credential.client_id)
        .bind::<Text, _>(&credential.sealed.key_id)
        .bind::<Binary, _>(&credential.sealed.nonce)
        .bind::<Binary, _>(&credential.sealed.ciphertext)
        .execute(connection)
        .await?;
    Ok(())
}

fn or_conflict(error: DieselError, what: &'static str) -> StoreError {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
            StoreError::Conflict(what)
        }
        other => other.into(),
    }
}

pub(crate) fn parse_cloud(text: &str) -> Result<Cloud, StoreError> {
    text.parse()
        .map_err(|error| StoreError::corrupt("cloud", error))
}
