//! Claims, leases, ends and sweeps.

mod claims;
mod ends;
mod sweeps;

use std::time::Duration;

use atlas_domain::access::Role;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::RunId;
use atlas_domain::inventory::TypeResult;
use atlas_domain::policy_types::registry;
use atlas_domain::run::{
    Claim, Completion, Lease, OperationKind, Outcome, RunCounts, RunState, Status, WaitReason,
};
use atlas_store::{
    Exit, FinishRun, FoundRun, Heartbeat, PageStored, SweepCount, SweepPlan, SweepSteps, WriteError,
};

use crate::{Stage, terms};

const LEASE: Duration = Duration::from_secs(45);

/// The run ended and no other waits for it.
fn completed(outcome: Outcome) -> Exit {
    Exit::Completed {
        outcome,
        next: None,
    }
}

fn succeeded() -> Completion {
    Completion::of_results(&[])
}

fn outage() -> Failure {
    Failure::transient(FailureCode::GRAPH_UNREACHABLE, "Graph does not answer.")
}

impl Stage {
    async fn queue(&self, json: &str) -> RunId {
        self.scenario
            .queued_run(self.tenant.id, self.operator.id, json)
            .await
    }

    async fn claim(&self, worker: &str) -> Option<Claim> {
        self.store.claim_next(&terms(worker)).await.unwrap()
    }

    async fn status(&self, run: RunId) -> Status {
        self.store
            .run(self.operator.id, run)
            .await
            .unwrap()
            .unwrap()
            .state
            .status()
    }
}
