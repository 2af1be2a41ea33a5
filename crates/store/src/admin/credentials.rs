//! How each tenant's application proves itself to Microsoft Entra.

use std::collections::HashMap;

use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{DirectoryId, TenantId};
use atlas_domain::tenant::{Cloud, CredentialFile, CredentialKind, StoredProof};
use atlas_domain::vault::Sealed;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::upsert::excluded;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::{or_gone, parse_cloud};
use crate::error::StoreError;
use crate::functions::clock_timestamp;
use crate::pool::Store;
use crate::schema::tenant_credentials;
use crate::statement::{row, statement};

/// Credentials to be stored.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// The application's id.
    pub client_id: String,
    /// What it proves itself with. A secret is sealed for its tenant.
    pub proof: StoredProof,
    /// The day on which a secret ends, where that is known. Of files the workers read it themselves.
    pub expires_on: Option<NaiveDate>,
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

statement! {
    struct FindCredentials {
        tenants: Vec<Uuid>,
    }
    file: "admin/find_credentials",
    row: CredentialRow,
}

row! {
    struct CredentialRow {
        tenant_id: Uuid,
        cloud: String,
        directory_id: Uuid,
        kind: String,
        client_id: String,
        key_id: Option<String>,
        nonce: Option<Vec<u8>>,
        ciphertext: Option<Vec<u8>>,
        file: Option<String>,
    }
}

/// Tenant, key, nonce and ciphertext.
type SealedRow = (Uuid, String, Vec<u8>, Vec<u8>);

/// Secrets by tenant. A secret has all three (migration 7).
#[diesel::dsl::auto_type]
fn sealed_secrets() -> _ {
    let kind: &'static str = CredentialKind::ClientSecret.as_str();
    tenant_credentials::table
        .filter(tenant_credentials::kind.eq(kind))
        .select((
            tenant_credentials::tenant_id,
            tenant_credentials::key_id.assume_not_null(),
            tenant_credentials::nonce.assume_not_null(),
            tenant_credentials::ciphertext.assume_not_null(),
        ))
        .order(tenant_credentials::tenant_id)
}

fn sealed((tenant, key_id, nonce, ciphertext): SealedRow) -> (TenantId, Sealed) {
    let sealed = Sealed {
        key_id,
        nonce,
        ciphertext,
    };
    (TenantId::from_uuid(tenant), sealed)
}

impl Store {
    /// Stores a tenant's credentials, in place of those before.
    ///
    /// # Errors
    /// [`StoreError::Gone`] when the tenant was removed.
    pub async fn set_credential(
        &self,
        tenant: TenantId,
        credential: NewCredential,
    ) -> Result<(), StoreError> {
        let mut detail =
            json!({ "client_id": credential.client_id, "kind": credential.proof.kind().as_str() });
        if let Some(day) = credential.expires_on {
            detail["expires_on"] = json!(day);
        }
        let audit = self.audited(
            tenant,
            AuditAction::CredentialsStored,
            "tenant",
            tenant.to_string(),
            detail,
        );
        self.read(async |connection| {
            connection
                .transaction(async |connection| {
                    store(connection, tenant, &credential).await?;
                    audit.insert(connection).await
                })
                .await
        })
        .await
        .map_err(|error| or_gone(error, "the tenant"))
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
        let rows = self.fetch_all(&FindCredentials { tenants }).await?;
        Ok(rows
            .into_iter()
            .map(|row| (TenantId::from_uuid(row.tenant_id), row.into_stored()))
            .collect())
    }

    /// Secrets that are encrypted with another key than this one, in the order of their tenants' ids,
    /// after this tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn credentials_not_under(
        &self,
        key_id: &str,
        after: Option<TenantId>,
        limit: i64,
    ) -> Result<Vec<(TenantId, Sealed)>, StoreError> {
        let after = after.map_or(Uuid::nil(), |tenant| tenant.into_uuid());
        let secrets = sealed_secrets()
            .filter(tenant_credentials::key_id.ne(key_id))
            .filter(tenant_credentials::tenant_id.gt(after))
            .limit(limit);
        let rows: Vec<SealedRow> = self
            .read(async |connection| secrets.load(connection).await)
            .await?;
        Ok(rows.into_iter().map(sealed).collect())
    }

    /// Secrets in the order of their tenants' ids, after this tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sealed_secrets(
        &self,
        after: Option<TenantId>,
        limit: i64,
    ) -> Result<Vec<(TenantId, Sealed)>, StoreError> {
        let after = after.map_or(Uuid::nil(), |tenant| tenant.into_uuid());
        let secrets = sealed_secrets()
            .filter(tenant_credentials::tenant_id.gt(after))
            .limit(limit);
        let rows: Vec<SealedRow> = self
            .read(async |connection| secrets.load(connection).await)
            .await?;
        Ok(rows.into_iter().map(sealed).collect())
    }

    /// Secrets of any tenants, those that are encrypted with one of these keys first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn some_secrets(
        &self,
        key_ids: &[&str],
        limit: i64,
    ) -> Result<Vec<(TenantId, Sealed)>, StoreError> {
        let secrets = sealed_secrets()
            .order((
                tenant_credentials::key_id.eq_any(key_ids).desc(),
                tenant_credentials::tenant_id,
            ))
            .limit(limit);
        let rows: Vec<SealedRow> = self
            .read(async |connection| secrets.load(connection).await)
            .await?;
        Ok(rows.into_iter().map(sealed).collect())
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
        let same = tenant_credentials::table
            .find(tenant.into_uuid())
            .filter(tenant_credentials::ciphertext.eq(&old.ciphertext));
        let sealed = (
            tenant_credentials::key_id.eq(&new.key_id),
            tenant_credentials::nonce.eq(&new.nonce),
            tenant_credentials::ciphertext.eq(&new.ciphertext),
            tenant_credentials::updated_at.eq(clock_timestamp()),
        );
        self.read(async |connection| {
            connection
                .transaction(async |connection| {
                    let rows = diesel::update(same).set(sealed).execute(connection).await?;
                    if rows == 1 {
                        audit.insert(connection).await?;
                    }
                    Ok(rows == 1)
                })
                .await
        })
        .await
    }
}

impl CredentialRow {
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

pub(super) async fn store(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    credential: &NewCredential,
) -> QueryResult<()> {
    use tenant_credentials as c;
    let (sealed, file) = match &credential.proof {
        StoredProof::ClientSecret(sealed) => (Some(sealed), None),
        StoredProof::Certificate(file) | StoredProof::FederatedToken(file) => (None, Some(file)),
    };
    diesel::insert_into(c::table)
        .values((
            c::tenant_id.eq(tenant.into_uuid()),
            c::kind.eq(credential.proof.kind().as_str()),
            c::client_id.eq(&credential.client_id),
            c::key_id.eq(sealed.map(|sealed| &sealed.key_id)),
            c::nonce.eq(sealed.map(|sealed| &sealed.nonce)),
            c::ciphertext.eq(sealed.map(|sealed| &sealed.ciphertext)),
            c::file.eq(file.map(CredentialFile::as_str)),
            c::expires_on.eq(credential.expires_on),
        ))
        .on_conflict(c::tenant_id)
        .do_update()
        .set((
            c::kind.eq(excluded(c::kind)),
            c::client_id.eq(excluded(c::client_id)),
            c::key_id.eq(excluded(c::key_id)),
            c::nonce.eq(excluded(c::nonce)),
            c::ciphertext.eq(excluded(c::ciphertext)),
            c::file.eq(excluded(c::file)),
            c::expires_on.eq(excluded(c::expires_on)),
            c::updated_at.eq(clock_timestamp()),
        ))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) fn parse_kind(text: &str) -> Result<CredentialKind, StoreError> {
    text.parse()
        .map_err(|error| StoreError::corrupt("kind", error))
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] =
    &[<FindCredentials as crate::statement::Statement>::INFO];
