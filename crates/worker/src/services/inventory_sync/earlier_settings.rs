//! Settings of values that were stored before settings were.

use atlas_domain::causes::Causes;
use atlas_domain::run::Lease;
use atlas_store::WriteError;

use super::InventorySyncService;
use crate::interrupt::Interrupt;

/// How often a run writes a batch at most: later runs write the others.
const MOST_BATCHES: usize = 50;

impl InventorySyncService {
    /// Writes settings that the tenant's items lack, before this run writes any item. Nothing else
    /// depends on them: what cannot be written is left to the next run.
    pub(super) async fn store_earlier_settings(&self, lease: &Lease) -> Result<(), Interrupt> {
        for _ in 0..MOST_BATCHES {
            match self.store.store_earlier_settings(lease).await {
                Ok(0) => break,
                Ok(items) => tracing::info!(items, "settings of earlier values were stored"),
                Err(WriteError::Lost) => return Err(Interrupt::WriteRefused),
                Err(WriteError::Store(error)) => {
                    tracing::warn!(error = %Causes(&error), "settings of earlier values were not stored");
                    break;
                }
            }
        }
        Ok(())
    }
}
