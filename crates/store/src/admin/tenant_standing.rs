//! Disabling tenants.

use atlas_domain::audit::AuditAction;
use atlas_domain::ids::TenantId;
use serde_json::json;
use uuid::Uuid;

use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{execute, fetch_one, row, statement};

/// Queued runs of each kind that one pass cancels at most.
const PASS: u32 = 1_000;

/// What became of enabling or disabling a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantChange {
    /// It is so now.
    Changed,
    /// It was so before.
    Already,
    /// There is no such tenant.
    Gone,
}

statement! {
    struct Exists {
        tenant: Uuid,
    }
    file: "tenants/exists",
    row: ExistsRow,
}

row! {
    struct ExistsRow {
        found: bool,
    }
}

statement! {
    struct SetEnabled {
        tenant: Uuid,
        enabled: bool,
    }
    file: "tenants/set_enabled",
    row: (),
}

impl Store {
    /// Disables a tenant: nothing is started or claimed for it, its queued runs are cancelled and
    /// its running ones asked to stop. What is still active of a tenant that was disabled before is
    /// cancelled all the same.
    ///
    /// # Errors
    /// [`StoreError`]; the workers' sweeps cancel what this did not.
    pub async fn disable_tenant(&self, tenant: TenantId) -> Result<TenantChange, StoreError> {
        let changed = self.set_enabled(tenant, false).await?;
        while self.cancel_of_disabled(PASS).await?.completed > 0 {}
        Ok(changed)
    }

    /// Enables a tenant again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enable_tenant(&self, tenant: TenantId) -> Result<TenantChange, StoreError> {
        self.set_enabled(tenant, true).await
    }

    async fn set_enabled(
        &self,
        tenant: TenantId,
        enabled: bool,
    ) -> Result<TenantChange, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let set = SetEnabled {
            tenant: tenant.into_uuid(),
            enabled,
        };
        if execute(&transaction, &set).await? == 0 {
            let tenant = tenant.into_uuid();
            let exists = fetch_one(&transaction, &Exists { tenant }).await?;
            return Ok(if exists.found {
                TenantChange::Already
            } else {
                TenantChange::Gone
            });
        }
        let action = if enabled {
            AuditAction::TenantEnabled
        } else {
            AuditAction::TenantDisabled
        };
        let audit = self.audited(tenant, action, "tenant", tenant.to_string(), json!({}));
        audit.record(&transaction).await?;
        transaction.commit().await?;
        Ok(TenantChange::Changed)
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] =
    &[<Exists as Statement>::INFO, <SetEnabled as Statement>::INFO];
