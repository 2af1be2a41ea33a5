//! The service of each kind of run, in a file of its own.

mod directory_groups_sync;
mod inventory_sync;

use std::sync::Arc;
use std::time::Duration;

use atlas_domain::clock::Clock;
use atlas_domain::run::{Claim, Completion, RunInputs};
use atlas_store::Store;
use futures::future::BoxFuture;

use self::directory_groups_sync::DirectoryGroupsSyncService;
use self::inventory_sync::InventorySyncService;
use crate::interrupt::Interrupt;
use crate::progress::ProgressBoard;
use crate::service::RunService as _;
use crate::sign_in::SignIn;

/// The services of all kinds. A kind without one does not compile.
pub struct Services {
    inventory_sync: InventorySyncService,
    directory_groups_sync: DirectoryGroupsSyncService,
}

impl Services {
    /// Services that sign in to Microsoft Graph with these credentials. Within `verify_within` the values
    /// of each object are read once, whether it moves or not.
    #[must_use]
    pub fn new(
        store: &Store,
        sign_in: &Arc<SignIn>,
        clock: &Arc<dyn Clock>,
        verify_within: Duration,
    ) -> Self {
        Self {
            inventory_sync: InventorySyncService::new(
                store.clone(),
                Arc::clone(sign_in),
                Arc::clone(clock),
                verify_within,
            ),
            directory_groups_sync: DirectoryGroupsSyncService::new(
                store.clone(),
                Arc::clone(sign_in),
            ),
        }
    }

    /// Has the service of the run's kind work on it.
    pub fn work<'a>(
        &'a self,
        claim: &'a Claim,
        board: &'a ProgressBoard,
    ) -> BoxFuture<'a, Result<Completion, Interrupt>> {
        match &claim.inputs {
            RunInputs::InventorySync(selection) => {
                self.inventory_sync.work(claim, selection, board)
            }
            RunInputs::DirectoryGroupsSync => self.directory_groups_sync.work(claim, &(), board),
        }
    }
}
