//! Tenants, as the installation's operator sees them.

use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{DirectoryId, TenantId};
use atlas_domain::tenant::{Cloud, CredentialKind};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::credentials::{self, NewCredential, parse_kind};
use super::{or_conflict, parse_cloud};
use crate::error::StoreError;
use crate::functions::lower;
use crate::pool::Store;
use crate::schema::{tenant_credentials, tenants};

/// A tenant to be added. Its id is made by the caller, because its secret is sealed for it.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// Our id.
    pub id: TenantId,
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
    pub name: String,
    /// Microsoft Entra's id.
    pub directory_id: DirectoryId,
    /// Where the directory lives.
    pub cloud: Cloud,
    /// Whether it may be synced.
    pub enabled: bool,
    /// What its application proves itself with; a tenant without cannot be synced.
    pub credential: Option<CredentialKind>,
    /// The day on which its client secret ends, where somebody said so.
    pub credential_expires_on: Option<NaiveDate>,
    pub created_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tenants, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    name: String,
    directory_id: Uuid,
    cloud: String,
    enabled: bool,
    #[diesel(select_expression = tenant_credentials::kind.nullable())]
    credential: Option<String>,
    #[diesel(select_expression = tenant_credentials::expires_on.nullable())]
    credential_expires_on: Option<NaiveDate>,
    created_at: DateTime<Utc>,
}

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
        let tenant = (
            tenants::id.eq(new.id.into_uuid()),
            tenants::name.eq(&new.name),
            tenants::directory_id.eq(new.directory_id.into_uuid()),
            tenants::cloud.eq(new.cloud.as_str()),
        );
        self.read(async |connection| {
            connection
                .transaction(async |connection| {
                    diesel::insert_into(tenants::table)
                        .values(tenant)
                        .execute(connection)
                        .await?;
                    if let Some(credential) = &new.credential {
                        credentials::store(connection, new.id, credential).await?;
                    }
                    audit.insert(connection).await
                })
                .await
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

    /// The tenant with this id, or those with this name, whatever its case.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tenants_by_name_or_id(&self, text: &str) -> Result<Vec<TenantRow>, StoreError> {
        self.tenants_like(Some(text)).await
    }

    async fn tenants_like(&self, text: Option<&str>) -> Result<Vec<TenantRow>, StoreError> {
        let mut query = tenants::table
            .left_join(tenant_credentials::table)
            .select(Row::as_select())
            .order((tenants::name, tenants::id))
            .into_boxed();
        if let Some(text) = text {
            query = query.filter(lower(tenants::name).eq(lower(text)));
            // An id in another form is a name.
            if let Some(id) = text.parse().ok().filter(|id: &Uuid| id.to_string() == text) {
                query = query.or_filter(tenants::id.eq(id));
            }
        }
        let rows = self
            .read(async |connection| query.load(connection).await)
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
                    credential_expires_on: row.credential_expires_on,
                    created_at: row.created_at,
                })
            })
            .collect()
    }
}
