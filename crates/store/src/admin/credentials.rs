//! How each tenant's application proves itself to Microsoft Entra.

use std::collections::HashMap;

use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{DirectoryId, TenantId};
use atlas_domain::tenant::{Cloud, CredentialFile, CredentialKind, StoredProof};
use atlas_domain::vault::Sealed;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::parse_cloud;
use crate::error::StoreError;
use crate::pool::Store;
use crate::prepared::prepared;

/// Credentials to be stored.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// The application's id.
    pub client_id: String,
    /// What it proves itself with. A secret is sealed for its tenant.
    pub proof: StoredProof,
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
    /// What it proves itself with.
    pub proof: StoredProof,
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
    kind: String,
    #[diesel(sql_type = Text)]
    client_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    key_id: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    nonce: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    ciphertext: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Text>)]
    file: Option<String>,
}

#[derive(QueryableByName)]
struct RawSealed {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    key_id: String,
    #[diesel(sql_type = Binary)]
    nonce: Vec<u8>,
    #[diesel(sql_type = Binary)]
    ciphertext: Vec<u8>,
}

const STORE: &str = "INSERT INTO tenant_credentials \
        (tenant_id, kind, client_id, key_id, nonce, ciphertext, file) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) \
    ON CONFLICT (tenant_id) DO UPDATE SET kind = EXCLUDED.kind, client_id = EXCLUDED.client_id, \
        key_id = EXCLUDED.key_id, nonce = EXCLUDED.nonce, ciphertext = EXCLUDED.ciphertext, \
        file = EXCLUDED.file, updated_at = clock_timestamp()";

/// $1 tenants.
const CREDENTIALS: &str = "SELECT c.tenant_id, t.cloud, t.directory_id, c.kind, c.client_id, \
        c.key_id, c.nonce, c.ciphertext, c.file \
    FROM tenant_credentials c JOIN tenants t ON t.id = c.tenant_id WHERE c.tenant_id = ANY ($1)";

const SECRETS_NOT_UNDER: &str = "SELECT tenant_id, key_id, nonce, ciphertext \
    FROM tenant_credentials WHERE kind = 'client_secret' AND key_id <> $1 \
    ORDER BY tenant_id LIMIT $2";

impl Store {
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
            json!({ "client_id": credential.client_id, "kind": credential.proof.kind().as_str() }),
        );
        self.connection()
            .await?
            .transaction::<(), DieselError, _>(async |connection| {
                insert(connection, tenant, &credential).await?;
                audit.insert(connection).await
            })
            .await?;
        Ok(())
    }

    /// What a worker needs to sign in to the tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn credential(
        &self,
        tenant: TenantId,
    ) -> Result<Option<StoredCredential>, StoreError> {
        let mut stored = self.credentials(&[tenant]).await?;
        stored.remove(&tenant).transpose()
    }

    /// What a worker needs to sign in to those of the tenants that have credentials. What cannot be
    /// read of one tenant is an error of that tenant alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn credentials(
        &self,
        tenants: &[TenantId],
    ) -> Result<HashMap<TenantId, Result<StoredCredential, StoreError>>, StoreError> {
        let tenants: Vec<Uuid> = tenants.iter().map(|tenant| tenant.into_uuid()).collect();
        let rows: Vec<RawCredential> =
            prepared(sql_query(CREDENTIALS).bind::<Array<SqlUuid>, _>(tenants))
                .load(&mut self.connection().await?)
                .await?;
        Ok(rows
            .into_iter()
            .map(|row| (TenantId::from_uuid(row.tenant_id), row.into_stored()))
            .collect())
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
        let rows: Vec<RawSealed> = sql_query(SECRETS_NOT_UNDER)
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
}

impl RawCredential {
    fn into_stored(self) -> Result<StoredCredential, StoreError> {
        let file = |file: Option<String>| -> Result<CredentialFile, StoreError> {
            let file = file.ok_or_else(|| StoreError::corrupt("file", "it is missing"))?;
            file.parse()
                .map_err(|error| StoreError::corrupt("file", error))
        };
        let proof = match parse_kind(&self.kind)? {
            CredentialKind::ClientSecret => {
                let (Some(key_id), Some(nonce), Some(ciphertext)) =
                    (self.key_id, self.nonce, self.ciphertext)
                else {
                    return Err(StoreError::corrupt("ciphertext", "it is missing"));
                };
                StoredProof::ClientSecret(Sealed {
                    key_id,
                    nonce,
                    ciphertext,
                })
            }
            CredentialKind::Certificate => StoredProof::Certificate(file(self.file)?),
            CredentialKind::FederatedToken => StoredProof::FederatedToken(file(self.file)?),
        };
        Ok(StoredCredential {
            cloud: parse_cloud(&self.cloud)?,
            directory_id: DirectoryId::from_uuid(self.directory_id),
            client_id: self.client_id,
            proof,
        })
    }
}

pub(super) async fn insert(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    credential: &NewCredential,
) -> Result<(), DieselError> {
    let (sealed, file) = match &credential.proof {
        StoredProof::ClientSecret(sealed) => (Some(sealed), None),
        StoredProof::Certificate(file) | StoredProof::FederatedToken(file) => (None, Some(file)),
    };
    sql_query(STORE)
        .bind::<SqlUuid, _>(tenant.into_uuid())
        .bind::<Text, _>(credential.proof.kind().as_str())
        .bind::<Text, _>(&credential.client_id)
        .bind::<Nullable<Text>, _>(sealed.map(|sealed| &sealed.key_id))
        .bind::<Nullable<Binary>, _>(sealed.map(|sealed| &sealed.nonce))
        .bind::<Nullable<Binary>, _>(sealed.map(|sealed| &sealed.ciphertext))
        .bind::<Nullable<Text>, _>(file.map(CredentialFile::as_str))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) fn parse_kind(text: &str) -> Result<CredentialKind, StoreError> {
    text.parse()
        .map_err(|error| StoreError::corrupt("kind", error))
}
