//! Recording what a run reads, and the result per policy type.

use atlas_domain::causes::Causes;
use atlas_domain::failure::Failure;
use atlas_domain::inventory::{TypeResult, TypeStatus};
use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::{Claim, Lease};
use atlas_domain::selection::Selection;
use atlas_store::{Beginning, Store};

use super::{InventorySyncService, SyncTracker};
use crate::interrupt::{Interrupt, with_retries};

/// Records those runs whose rows nobody locks.
pub(super) async fn begin_free(store: Store, beginnings: Vec<Beginning>) -> Vec<bool> {
    match store.begin_syncs_free(&beginnings).await {
        Ok(begun) => begun,
        Err(error) => {
            tracing::debug!(error = %Causes(&error), runs = beginnings.len(), "runs are begun one by one");
            vec![false; beginnings.len()]
        }
    }
}

impl InventorySyncService {
    /// Records what this run will read, all of it pending.
    pub(super) async fn begin(
        &self,
        claim: &Claim,
        selection: &Selection,
        keys: &[PolicyTypeKey],
    ) -> Result<(), Interrupt> {
        let beginning = Beginning {
            lease: claim.lease.clone(),
            initiator: claim.initiator_id,
            selection: selection.clone(),
            keys: keys.to_vec(),
        };
        if self.beginnings.ask(beginning).await == Some(true) {
            return Ok(());
        }
        // Lost, locked for a moment, or the database is away: the run is recorded alone.
        with_retries(|| {
            self.store
                .begin_sync(&claim.lease, claim.initiator_id, selection, keys)
        })
        .await
    }

    /// Records what cannot be read here, with the reasons.
    pub(super) async fn skip(
        &self,
        lease: &Lease,
        skipped: Vec<(PolicyTypeKey, Failure)>,
        tracker: &SyncTracker<'_>,
    ) -> Result<Vec<TypeResult>, Interrupt> {
        let mut results = Vec::with_capacity(skipped.len());
        for (key, reason) in skipped {
            let mut result = self.ended(key, TypeStatus::Skipped);
            result.error = Some(reason);
            results.push(self.record(lease, &result, tracker).await?);
        }
        Ok(results)
    }

    /// Records the result of one type, and returns it with the changes that were counted.
    pub(super) async fn record(
        &self,
        lease: &Lease,
        result: &TypeResult,
        tracker: &SyncTracker<'_>,
    ) -> Result<TypeResult, Interrupt> {
        let recorded = with_retries(|| self.store.record_result(lease, result)).await?;
        tracker.update(|progress, counts| {
            progress.add(&recorded);
            counts.add(&recorded);
        });
        Ok(recorded)
    }
}
