//! Executing one claimed run: keeping its lease while a service works, and ending it.

mod exit;
pub mod lease_keeper;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use atlas_domain::clock::Entropy;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::RunId;
use atlas_domain::run::{Claim, Completion, InventoryCounts};
use atlas_store::{Coalescer, Exit, FinishRun, Store};
use atlas_telemetry::crash_point;
use atlas_telemetry::metrics::{RUN_HAND_BACKS, RUN_RETRIES};
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use self::exit::{
    exit_until, exit_with_retries, finish_free, is_queued, lost, record, write_refused,
};
use self::lease_keeper::LeaseKeeper;
use crate::interrupt::Interrupt;
use crate::progress::ProgressBoard;
use crate::services::Services;

/// The pause before the second attempt; doubled before each further one.
const FIRST_BACKOFF: Duration = Duration::from_secs(10);
/// The longest pause between attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(600);

/// Runs that one statement ends at most.
const FINISHES_AT_ONCE: usize = 64;

/// Executes claimed runs.
pub struct Executor {
    store: Store,
    /// Runs that end in the same moment end with one statement.
    finishes: Coalescer<FinishRun, Option<Exit>>,
    services: Services,
    lease: Duration,
    heartbeat: Duration,
    entropy: Arc<dyn Entropy>,
}

impl Executor {
    /// An executor that renews leases of this length at this interval.
    #[must_use]
    pub fn new(
        store: Store,
        services: Services,
        lease: Duration,
        heartbeat: Duration,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let finishing = store.clone();
        let finishes = Coalescer::new(FINISHES_AT_ONCE, 1, move |runs| {
            finish_free(finishing.clone(), runs)
        });
        Self {
            store,
            finishes,
            services,
            lease,
            heartbeat,
            entropy,
        }
    }

    /// Works on the run until it ends, is lost, is cancelled, or is handed back. Returns a run that
    /// can be claimed now and for which the workers are to be rung.
    pub async fn execute(&self, claim: Claim, handing_back: CancellationToken) -> Option<RunId> {
        tracing::info!("run begins");
        let board = ProgressBoard::new(claim.lease.kind);
        let mut keeper = LeaseKeeper::keep(
            self.store.clone(),
            claim.lease.clone(),
            self.lease,
            self.heartbeat,
            board.watch(),
        );
        let work = AssertUnwindSafe(self.services.work(&claim, &board)).catch_unwind();
        let result = tokio::select! {
            biased;
            reason = keeper.stopped() => Err(reason.into()),
            () = handing_back.cancelled() => Err(Interrupt::ShuttingDown),
            result = work => match result {
                Ok(ended) => ended,
                Err(_) => Err(panicked()),
            },
        };
        // The keeper goes on until the run has ended in the database, however long that takes.
        let waiting = match result {
            Err(Interrupt::NotRenewed) => self.return_late(claim, &handing_back).await,
            result => self.end(claim, result, &board, &mut keeper).await,
        };
        drop(keeper);
        waiting
    }

    async fn end(
        &self,
        claim: Claim,
        result: Result<Completion, Interrupt>,
        board: &ProgressBoard,
        keeper: &mut LeaseKeeper,
    ) -> Option<RunId> {
        let (run, kind) = (claim.lease.run_id, claim.lease.kind);
        match result {
            Ok(completion) => self.finish(claim, &completion, board, keeper).await,
            Err(Interrupt::Failed(failure)) => {
                let completion = Completion::failed(failure, board.counts());
                self.finish(claim, &completion, board, keeper).await
            }
            Err(Interrupt::CancelRequested) => {
                let completion = Completion::cancelled(board.counts());
                self.finish(claim, &completion, board, keeper).await
            }
            Err(Interrupt::Later { failure, .. }) if is_nonsense_again(&claim, &failure) => {
                tracing::warn!("Graph's answers stay unusable; the run is not tried again");
                let completion = Completion::failed(failure, board.counts());
                self.finish(claim, &completion, board, keeper).await
            }
            Err(Interrupt::Later { failure, after }) => {
                let delay = self.backoff(claim.failures).max(after.unwrap_or_default());
                tracing::warn!(
                    code = failure.code.as_str(),
                    ?delay,
                    "run is tried again later"
                );
                let step = |claim| self.store.retry_later(claim, delay, &failure);
                let exit = exit_with_retries(claim, keeper, step).await;
                if is_queued(exit, kind) {
                    RUN_RETRIES.add(&[kind.as_str()], 1);
                    tracing::info!("run is queued, to be tried again");
                }
                None
            }
            Err(Interrupt::ShuttingDown) => {
                let step = |claim| self.store.hand_back(claim);
                let exit = exit_with_retries(claim, keeper, step).await;
                if !is_queued(exit, kind) {
                    return None;
                }
                RUN_HAND_BACKS.add(&[kind.as_str()], 1);
                tracing::info!("run is queued, handed back");
                Some(run)
            }
            Err(Interrupt::WriteRefused) => {
                write_refused();
                lost(None);
                None
            }
            Err(Interrupt::LeaseLost | Interrupt::NotRenewed) => {
                lost(None);
                None
            }
        }
    }

    /// Returns a run whose lease could not be renewed as soon as the database answers again: that it
    /// was away is no failure of the run. Another worker that took the run over keeps it.
    async fn return_late(&self, claim: Claim, stopping: &CancellationToken) -> Option<RunId> {
        tracing::warn!("the lease could not be renewed; the run is returned when it can be");
        let (run, kind) = (claim.lease.run_id, claim.lease.kind);
        let step = |claim| self.store.hand_back(claim);
        let exit = exit_until(stopping.cancelled(), claim, step).await;
        if !is_queued(exit, kind) {
            return None;
        }
        RUN_HAND_BACKS.add(&[kind.as_str()], 1);
        tracing::info!("run is queued, because the database was away");
        Some(run)
    }

    async fn finish(
        &self,
        claim: Claim,
        completion: &Completion,
        board: &ProgressBoard,
        keeper: &mut LeaseKeeper,
    ) -> Option<RunId> {
        crash_point!("finish.before");
        let kind = claim.lease.kind;
        let last = board.progress();
        let finish = FinishRun {
            lease: claim.lease.clone(),
            completion: completion.clone(),
            progress: Some(last),
        };
        let finished_with_others = self.finishes.ask(finish).await.flatten();
        let step = |claim| self.store.finish(claim, completion, Some(&last));
        let exit = match finished_with_others {
            Some(exit) => Some(exit),
            // Lost, locked for a moment, or the database is away: the run is ended alone.
            None => exit_with_retries(claim, keeper, step).await,
        };
        let Some(Exit::Completed { outcome, next }) = record(exit, kind) else {
            return None;
        };
        crash_point!("finish.after_commit");
        tracing::info!(
            outcome = outcome.as_str(),
            code = completion.error.as_ref().map(|error| error.code.as_str()),
            items_seen = InventoryCounts::from(completion.counts).items_seen,
            "run ended"
        );
        next
    }

    /// Doubles with each failure; up to a fifth longer, so that runs which failed together do not
    /// come back together.
    fn backoff(&self, failures: i32) -> Duration {
        let doubled = FIRST_BACKOFF * 2_u32.pow(failures.clamp(0, 10).unsigned_abs());
        let mut byte = [0];
        self.entropy.fill(&mut byte);
        doubled
            .min(MAX_BACKOFF)
            .mul_f64(1.0 + 0.2 * f64::from(byte[0]) / 255.0)
    }
}

/// Whether a run that failed before ends because Graph, or the sign-in service, does not answer as it
/// documents: a proxy's page or a redirect may be gone at the second attempt, and does not go away
/// by waiting longer.
fn is_nonsense_again(claim: &Claim, failure: &Failure) -> bool {
    claim.failures > 0 && failure.code == FailureCode::GRAPH_INVALID_RESPONSE
}

/// The panic's own message is in the log already, by the panic hook.
fn panicked() -> Interrupt {
    Interrupt::Later {
        failure: Failure::transient(
            FailureCode::INTERNAL,
            "The worker met a defect while it worked on the run.",
        ),
        after: None,
    }
}
