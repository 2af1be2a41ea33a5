//! The service behind `inventory_sync`: reads what a selection asks for from Microsoft Graph and
//! stores what it saw.

mod collect;
mod persist;
mod shortfall;

use std::sync::Arc;

use atlas_domain::clock::Clock;
use atlas_domain::inventory::{TypeResult, TypeStatus};
use atlas_domain::policy_types::PolicyTypeKey;
use atlas_domain::run::{Claim, Completion, Outcome, ProgressPhase};
use atlas_domain::selection::Selection;
use atlas_store::{Beginning, Store};

use crate::execution::End;
use crate::execution::progress::ProgressBoard;
use crate::interrupt::{Interrupt, insist};
use crate::sign_in::SignIn;
use crate::together::Together;
pub(crate) use shortfall::rows_not_stored;

/// Runs that one statement records at most.
const BEGINNINGS_AT_ONCE: usize = 64;

/// Syncs the inventory of one tenant per call. Shared by all runs of a process.
pub struct InventorySyncService {
    store: Store,
    /// Runs that begin in the same moment are recorded with one statement.
    beginnings: Together<Beginning, bool>,
    sign_in: Arc<SignIn>,
    clock: Arc<dyn Clock>,
}

impl InventorySyncService {
    /// A service that signs in with these credentials.
    #[must_use]
    pub fn new(store: Store, sign_in: Arc<SignIn>, clock: Arc<dyn Clock>) -> Self {
        let begins = store.clone();
        let beginnings = Together::open(BEGINNINGS_AT_ONCE, move |beginnings| {
            persist::begin_free(begins.clone(), beginnings)
        });
        Self {
            store,
            beginnings,
            sign_in,
            clock,
        }
    }

    /// Works on the claimed run. Everything it writes is guarded by the claim's lease, so it may be
    /// dropped at any await.
    pub async fn run(&self, claim: &Claim, selection: &Selection, progress: &ProgressBoard) -> End {
        match self.sync(claim, selection, progress).await {
            Ok(completion) => End::Completed(completion),
            Err(interrupt) => interrupt.end(progress),
        }
    }

    async fn sync(
        &self,
        claim: &Claim,
        selection: &Selection,
        progress: &ProgressBoard,
    ) -> Result<Completion, Interrupt> {
        let lease = &claim.lease;
        let keys: Vec<PolicyTypeKey> = selection.keys().into_iter().collect();
        progress.planned(keys.len());
        self.begin(claim, selection, &keys).await?;
        let tenant = self.sign_in.to(lease.tenant_id).await?;
        let plan = atlas_graph::plan(&keys, selection.include_dependencies());

        progress.enter(ProgressPhase::Collecting);
        let mut results = self.skip(lease, plan.skipped, progress).await?;
        results.extend(self.collect(lease, &tenant, &plan.lists, progress).await?);

        progress.enter(ProgressPhase::Finishing);
        let in_doubt: Vec<PolicyTypeKey> = results
            .iter()
            .filter(|result| shortfall::may_lack_objects(result))
            .map(|result| result.policy_type)
            .collect();
        insist(|| self.store.find_dangling(lease, &in_doubt)).await?;
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
