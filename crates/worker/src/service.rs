//! What the executor asks of a service.

use atlas_domain::run::{Claim, Completion};
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
