//! Names of the settings that were read, which are asked for once for all tenants. Nothing depends on
//! them: a run that gets none ends as it would have ended.

use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::run::Lease;
use atlas_graph::TenantGraph;
use atlas_store::{SettingDescription, StoreError};
use futures::future::try_join_all;

use super::InventorySyncService;

/// Definitions that one run asks for at most; later runs ask for the others.
const MOST_DEFINITIONS: u16 = 500;
/// Definitions that are stored at once: five envelopes.
const AT_ONCE: usize = 100;
/// A run waits so long for names at most.
const LONGEST: Duration = Duration::from_secs(60);

impl InventorySyncService {
    /// Reads the definitions of settings that items of the tenant set and that are not known.
    pub(super) async fn learn_setting_names(&self, lease: &Lease, tenant: &TenantGraph) {
        match tokio::time::timeout(LONGEST, self.learn(lease, tenant)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = %Causes(&error), "names of settings were not stored");
            }
            Err(_) => tracing::warn!("names of settings were not read in time"),
        }
    }

    async fn learn(&self, lease: &Lease, tenant: &TenantGraph) -> Result<(), StoreError> {
        let unknown = self
            .store
            .unknown_settings(lease.tenant_id, MOST_DEFINITIONS)
            .await?;
        let mut parts = unknown.chunks(AT_ONCE);
        // Where the first ones cannot be read, the others are not asked for.
        let Some(first) = parts.next() else {
            return Ok(());
        };
        if self.describe(tenant, first).await? {
            let others: Vec<_> = parts.map(|ids| self.describe(tenant, ids)).collect();
            try_join_all(others).await?;
        }
        Ok(())
    }

    /// Reads and stores these definitions. Returns whether there were any.
    async fn describe(&self, tenant: &TenantGraph, ids: &[String]) -> Result<bool, StoreError> {
        let definitions = match tenant.setting_definitions(ids).await {
            Ok(definitions) => definitions,
            Err(error) => {
                tracing::warn!(error = %Causes(&error), "names of settings cannot be read");
                return Ok(false);
            }
        };
        let mut settings = Vec::with_capacity(ids.len());
        for (id, definition) in ids.iter().zip(definitions) {
            match definition {
                Ok(definition) => {
                    let description = definition.map(|one| SettingDescription {
                        name: one.name,
                        description: one.description,
                        options: one.options,
                    });
                    settings.push((id.clone(), description));
                }
                Err(error) => {
                    tracing::debug!(id, error = %Causes(&error), "a name cannot be read");
                }
            }
        }
        if settings.is_empty() {
            return Ok(false);
        }
        self.store.describe_settings(&settings).await?;
        Ok(true)
    }
}
