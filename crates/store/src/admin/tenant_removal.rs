//! Removing a tenant with everything of it, in short transactions.

use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{DirectoryId, TenantId};
use serde_json::json;
use uuid::Uuid;

use super::tenant_standing::TenantChange;
use crate::error::StoreError;
use crate::pool::Store;
use crate::statement::{Statement, execute, statement};
use crate::system::DELETION_IS_RETENTION;

/// Rows of one table that one transaction removes at most. What refers to them goes with them: an
/// item has a content and some links, a run some events and results.
const BATCH: i64 = 500;

macro_rules! removal {
    ($($name:ident: $file:literal;)+) => {
        $(statement! {
            struct $name {
                tenant: Uuid,
                batch: i64,
            }
            file: $file,
            row: (),
        })+
    };
}

removal! {
    RemoveRuns: "tenants/remove_runs";
    RemoveVersions: "tenants/remove_versions";
    RemoveBodies: "tenants/remove_bodies";
    RemoveItems: "tenants/remove_items";
    RemoveChanges: "tenants/remove_changes";
    RemoveActivityEvents: "tenants/remove_activity_events";
    RemoveLeftOut: "tenants/remove_left_out";
    RemoveGroups: "tenants/remove_groups";
    RemoveEvents: "tenants/remove_events";
    RemoveAuditEvents: "tenants/remove_audit_events";
}

statement! {
    struct RemoveFences {
        tenant: Uuid,
    }
    file: "tenants/remove_fences",
    row: (),
}

statement! {
    struct Remove {
        tenant: Uuid,
    }
    file: "tenants/remove",
    row: (),
}

impl Store {
    /// Removes a tenant with its runs, inventory, groups, notifications, events and entries of the
    /// audit log. It is disabled first; workers that still write for it are refused. Ended in the middle,
    /// it leaves a disabled tenant with a part of its rows, and goes on when it is called again.
    /// False when there is no such tenant, or another command removed it at the same time.
    ///
    /// # Errors
    /// [`StoreError`]; what was removed before stays removed.
    pub async fn remove_tenant(&self, tenant: TenantId) -> Result<bool, StoreError> {
        let named = self.tenants_by_name_or_id(&tenant.to_string()).await?;
        let Some(row) = named.into_iter().find(|row| row.id == tenant) else {
            return Ok(false);
        };
        let id = tenant.into_uuid();
        loop {
            // Again after each attempt: somebody may have enabled or removed it.
            if self.disable_tenant(tenant).await? == TenantChange::Gone {
                return Ok(false);
            }
            self.execute(&RemoveFences { tenant: id }).await?;
            self.remove_all(|batch| RemoveRuns { tenant: id, batch })
                .await?;
            self.remove_all(|batch| RemoveVersions { tenant: id, batch })
                .await?;
            self.remove_all(|batch| RemoveBodies { tenant: id, batch })
                .await?;
            self.remove_all(|batch| RemoveItems { tenant: id, batch })
                .await?;
            self.remove_all(|batch| RemoveChanges { tenant: id, batch })
                .await?;
            self.remove_all(|batch| RemoveActivityEvents { tenant: id, batch })
                .await?;
            self.remove_all(|batch| RemoveLeftOut { tenant: id, batch })
                .await?;
            self.remove_all(|batch| RemoveGroups { tenant: id, batch })
                .await?;
            self.remove_all(|batch| RemoveEvents { tenant: id, batch })
                .await?;
            self.remove_audit_events(id).await?;
            if self.remove_row(tenant, &row.name, row.directory_id).await? {
                return Ok(true);
            }
        }
    }

    async fn remove_all<S: Statement<Row = ()>>(
        &self,
        statement: impl Fn(i64) -> S,
    ) -> Result<(), StoreError> {
        while self.execute(&statement(BATCH)).await? > 0 {}
        Ok(())
    }

    async fn remove_audit_events(&self, tenant: Uuid) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        loop {
            let transaction = client.transaction().await?;
            transaction.batch_execute(DELETION_IS_RETENTION).await?;
            let batch = RemoveAuditEvents {
                tenant,
                batch: BATCH,
            };
            let removed = execute(&transaction, &batch).await?;
            transaction.commit().await?;
            if removed == 0 {
                return Ok(());
            }
        }
    }

    /// False when a run was admitted meanwhile, by a statement that began before the tenant was
    /// disabled, or when somebody enabled or removed the tenant.
    async fn remove_row(
        &self,
        tenant: TenantId,
        name: &str,
        directory: DirectoryId,
    ) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        transaction.batch_execute(DELETION_IS_RETENTION).await?;
        let id = tenant.into_uuid();
        if execute(&transaction, &Remove { tenant: id }).await? == 0 {
            return Ok(false);
        }
        let audit = self.administered(
            None,
            AuditAction::TenantRemoved,
            ("tenant", tenant.to_string()),
            Some(json!({ "name": name, "directory_id": directory })),
        );
        audit.record(&transaction).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] = &[
    <RemoveRuns as Statement>::INFO,
    <RemoveVersions as Statement>::INFO,
    <RemoveBodies as Statement>::INFO,
    <RemoveItems as Statement>::INFO,
    <RemoveChanges as Statement>::INFO,
    <RemoveActivityEvents as Statement>::INFO,
    <RemoveLeftOut as Statement>::INFO,
    <RemoveGroups as Statement>::INFO,
    <RemoveEvents as Statement>::INFO,
    <RemoveAuditEvents as Statement>::INFO,
    <RemoveFences as Statement>::INFO,
    <Remove as Statement>::INFO,
];
