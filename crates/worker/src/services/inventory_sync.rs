//! The service behind `inventory_sync`: reads the selected policy types from Microsoft Graph and
//! stores them.

mod activity;
mod collect;
mod earlier_settings;
mod known;
mod persist;
mod setting_names;
mod shortfall;

use std::sync::Arc;
use std::time::Duration;

use atlas_domain::clock::Clock;
use atlas_domain::inventory::{TypeResult, TypeStatus};
use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::{
    Claim, Completion, InventoryCounts, InventoryProgress, Outcome, ProgressPhase,
};
use atlas_domain::selection::Selection;
use atlas_graph::ListPlan;
use atlas_store::{Beginning, Coalescer, Store};
use futures::FutureExt;
use futures::future::{BoxFuture, join};

use crate::interrupt::{Interrupt, with_retries};
use crate::progress::{ProgressBoard, Tracker};
use crate::service::RunService;
use crate::sign_in::SignIn;
pub(crate) use shortfall::rows_not_stored;

/// Runs that one statement records at most.
const BEGINNINGS_AT_ONCE: usize = 64;

/// Progress and counts of one inventory sync.
type SyncTracker<'a> = Tracker<'a, InventoryProgress, InventoryCounts>;

/// Syncs the inventory of one tenant per call.
pub(super) struct InventorySyncService {
    store: Store,
    /// Runs that begin in the same moment are recorded with one statement.
    beginnings: Coalescer<Beginning, bool>,
    sign_in: Arc<SignIn>,
    clock: Arc<dyn Clock>,
    /// Within this time the values of each object are read once, whether it moves or not.
    verify_within: Duration,
}

impl RunService<Selection> for InventorySyncService {
    fn work<'a>(
        &'a self,
        claim: &'a Claim,
        selection: &'a Selection,
        board: &'a ProgressBoard,
    ) -> BoxFuture<'a, Result<Completion, Interrupt>> {
        async move { self.sync(claim, selection, &SyncTracker::new(board)).await }.boxed()
    }
}

impl InventorySyncService {
    /// A service that signs in with these credentials.
    #[must_use]
    pub(super) fn new(
        store: Store,
        sign_in: Arc<SignIn>,
        clock: Arc<dyn Clock>,
        verify_within: Duration,
    ) -> Self {
        let begins = store.clone();
        let beginnings = Coalescer::new(BEGINNINGS_AT_ONCE, 1, move |beginnings| {
            persist::begin_free(begins.clone(), beginnings)
        });
        Self {
            store,
            beginnings,
            sign_in,
            clock,
            verify_within,
        }
    }

    async fn sync(
        &self,
        claim: &Claim,
        selection: &Selection,
        tracker: &SyncTracker<'_>,
    ) -> Result<Completion, Interrupt> {
        let lease = &claim.lease;
        let keys: Vec<PolicyTypeKey> = selection.keys().into_iter().collect();
        let total = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        tracker.update(|progress, _| progress.total = total);
        self.begin(claim, selection, &keys).await?;
        let tenant = self.sign_in.to(lease.tenant_id).await?;
        let plan = atlas_graph::plan(&keys, selection.include_dependencies());
        if plan.lists.iter().any(ListPlan::has_values) {
            self.store_earlier_settings(lease).await?;
        }

        tracker.update(|progress, _| progress.phase = ProgressPhase::Collecting);
        let mut results = self.skip(lease, plan.skipped, tracker).await?;
        let verify = selection.verify();
        let collecting = self.collect(lease, &tenant, &plan.lists, verify, tracker);
        let collecting = collecting.boxed();
        let (collected, logs) = self.with_logs(lease, &tenant, &keys, collecting).await?;
        results.extend(collected);

        tracker.update(|progress, _| progress.phase = ProgressPhase::Finishing);
        let in_doubt: Vec<PolicyTypeKey> = results
            .iter()
            .filter(|result| shortfall::may_lack_objects(result))
            .map(|result| result.policy_type)
            .collect();
        // None of the three writes what another one reads.
        let beside = join(
            self.find_actors(lease, &tenant, logs),
            self.learn_setting_names(lease, &tenant),
        );
        let dangling = with_retries(|| self.store.find_dangling(lease, &in_doubt));
        tokio::try_join!(dangling, beside.map(Ok))?;
        let completion = Completion::of_results(&results);
        match &completion.error {
            Some(failure) if completion.outcome == Outcome::Failed && failure.retryable => {
                Err(Interrupt::Later {
                    failure: failure.clone(),
                    after: None,
                })
            }
            _ => Ok(completion),
        }
    }

    fn ended(&self, key: PolicyTypeKey, status: TypeStatus) -> TypeResult {
        TypeResult {
            status,
            completed_at: Some(self.clock.now()),
            ..TypeResult::pending(key)
        }
    }
}
