//! The newest entries, as the installation's operator reads them.

use atlas_domain::ids::TenantId;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{row, statement};

statement! {
    struct ListNewest {
        tenant: Option<Uuid>,
        limit: i64,
    }
    file: "audit/list_newest",
    row: AuditEntry,
}

row! {
    /// An entry with where its request came from.
    pub struct AuditEntry {
        occurred_at: DateTime<Utc>,
        actor_kind: String,
        actor_id: Option<Uuid>,
        /// That user's name, while the user is known.
        actor_name: Option<String>,
        action: String,
        target_kind: String,
        target_id: String,
        outcome: String,
        address: Option<String>,
        user_agent: Option<String>,
        /// More about it.
        detail: Option<Value>,
    }
}

impl Store {
    /// The newest entries of a tenant or, without one, those that belong to no tenant, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn newest_audit_entries(
        &self,
        tenant: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let tenant = tenant.map(TenantId::into_uuid);
        let limit = limit.into();
        self.fetch_all(&ListNewest { tenant, limit }).await
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[<ListNewest as Statement>::INFO];
