//! Tenants, as the installation's operator sees them.

use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{DirectoryId, TenantId};
use atlas_domain::tenant::{Cloud, CredentialKind};
use chrono::{DateTime, Utc};
use diesel::result::Error as DieselError;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::credentials::{self, NewCredential, parse_kind};
use super::{or_conflict, parse_cloud};
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
    /// What its application proves itself with; a tenant without cannot be synced.
    pub credential: Option<CredentialKind>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
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
    #[diesel(sql_type = Nullable<Text>)]
    credential: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
}

const TENANTS: &str = "SELECT t.id, t.name, t.directory_id, t.cloud, t.enabled, \
        c.kind AS credential, t.created_at \
    FROM tenants t LEFT JOIN tenant_credentials c ON c.tenant_id = t.id \
    WHERE $1 IS NULL OR t.id::text = $1 OR lower(t.name) = lower($1) ORDER BY t.name, t.id";

impl Store {
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
                    credentials::insert(connection, new.id, credential).await?;
                }
                audit.insert(connection).await
            })
            .await
            .map_err(|error| or_conflict(error, "a tenant with this directory id"))
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
                    credential: row.credential.as_deref().map(parse_kind).transpose()?,
                    created_at: row.created_at,
                })
            })
            .collect()
    }
}
