//! The work of each kind of run, behind one trait.

use atlas_domain::run::{Claim, Completion, RunInputs};
use atlas_domain::selection::Selection;
use futures::future::BoxFuture;

use crate::interrupt::Interrupt;
use crate::progress::ProgressBoard;

/// Works on runs of one kind, which are asked with inputs `I`. Shared by all runs of a process.
///
/// Everything that a service writes is guarded by the claim's lease, so that its work may be dropped
/// at any await: when the lease is lost, when somebody cancels the run, or when the process ends.
pub trait RunService<I>: Send + Sync {
    /// Works on a claimed run, and reports progress and counts on `board`.
    fn work<'a>(
        &'a self,
        claim: &'a Claim,
        inputs: &'a I,
        board: &'a ProgressBoard,
    ) -> BoxFuture<'a, Result<Completion, Interrupt>>;
}

/// The service of each kind. A kind without one does not compile.
pub struct Services {
    /// Of `inventory_sync`.
    pub inventory_sync: Box<dyn RunService<Selection>>,
    /// Of `directory_groups_sync`.
    pub directory_groups_sync: Box<dyn RunService<()>>,
}

impl Services {
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
