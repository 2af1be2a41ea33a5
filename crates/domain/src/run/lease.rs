//! What a worker holds while it runs a run.

use std::time::Duration;

use super::kind::{OperationKind, RunInputs};
use crate::ids::{DirectoryId, LeaseToken, RunId, TenantId, UserId, WorkerId};

/// The values that every write of a run compares with its row: token, attempt and fence. Holding a
/// lease gives no right by itself: the row decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub run_id: RunId,
    pub tenant_id: TenantId,
    /// The lock scope in which the fence counts.
    pub kind: OperationKind,
    /// Random, made at the claim.
    pub token: LeaseToken,
    /// The number of this attempt, from 1.
    pub attempt: i32,
    /// The tenant's fence since the claim. A write whose fence is not the current one is refused.
    pub fence: i64,
}

/// A run that this process has claimed. Finishing, retrying and handing back consume it, so that a
/// run cannot be ended twice by one owner.
#[derive(Debug)]
#[must_use = "a claimed run must be finished, retried or handed back"]
pub struct Claim {
    /// What its writes are guarded by.
    pub lease: Lease,
    /// What to do.
    pub inputs: RunInputs,
    /// Who asked for it.
    pub initiator_id: UserId,
    /// The tenant's directory.
    pub directory_id: DirectoryId,
    /// Failures before this attempt; claims that were handed back are not among them.
    pub failures: i32,
    /// How many failures end the run.
    pub max_failures: i32,
}

/// Who claims and for how long.
#[derive(Debug, Clone)]
pub struct LeaseTerms {
    /// The claiming process.
    pub worker_id: WorkerId,
    /// How long the lease lives without a heartbeat.
    pub duration: Duration,
}
