//! Executing one claimed run: keeping its lease while a service works, and ending it.

pub mod lease_keeper;
pub mod progress;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::clock::Entropy;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::RunId;
use atlas_domain::run::{Claim, Completion, OperationKind, Outcome, RunInputs};
use atlas_store::{Ended, Ending, FoundRun, Requeued, Store, Unfinished};
use atlas_telemetry::crash_point;
use atlas_telemetry::metrics::{
    Counter, LEASES_LOST, RUN_HAND_BACKS, RUN_RETRIES, RUNS_ENDED, WRITES_REFUSED,
};
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use self::lease_keeper::{LeaseKeeper, Stopped};
use self::progress::ProgressBoard;
use crate::directory_groups_sync::DirectoryGroupsSyncService;
use crate::inventory_sync::InventorySyncService;
use crate::together::Together;

/// The pause before the second attempt; doubled before each further one.
const FIRST_BACKOFF: Duration = Duration::from_secs(10);
/// The longest pause between attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(600);
/// The pause between attempts to end a run while the database does not answer.
const END_AGAIN: Duration = Duration::from_millis(500);

/// Runs that one statement ends at most.
const ENDINGS_AT_ONCE: usize = 64;

/// How a service's work on a run ended.
#[derive(Debug)]
pub enum End {
    /// The run is to end like this.
    Completed(Completion),
    /// It may succeed later, not before `after` if Graph named a time.
    Later {
        /// Why not now.
        failure: Failure,
        /// How long Graph asked to wait.
        after: Option<Duration>,
    },
    /// A write was refused: the run is somebody else's.
    Lost,
}

/// What the slot does after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing more.
    Nothing,
    /// Tell the workers of this run, which can be claimed now.
    Ring(RunId),
}

/// What works on runs, one service for each kind.
pub struct Services {
    /// Of `inventory_sync`.
    pub inventory_sync: InventorySyncService,
    /// Of `directory_groups_sync`.
    pub directory_groups_sync: DirectoryGroupsSyncService,
}

/// Executes claimed runs.
pub struct Executor {
    store: Store,
    /// Runs that end in the same moment end with one statement.
    endings: Together<Ending, Option<Ended>>,
    services: Services,
    lease: Duration,
    heartbeat: Duration,
    entropy: Arc<dyn Entropy>,
}

/// What is to become of the run.
enum Verdict {
    Worked(Box<End>),
    Stopped(Stopped),
    GiveBack,
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
        let ends = store.clone();
        let endings = Together::open(ENDINGS_AT_ONCE, move |endings| {
            finish_free(ends.clone(), endings)
        });
        Self {
            store,
            endings,
            services,
            lease,
            heartbeat,
            entropy,
        }
    }

    /// Works on the run until it ends, is lost, is cancelled, or is to be given back.
    pub async fn execute(&self, claim: Claim, giving_back: CancellationToken) -> Next {
        tracing::info!("run begins");
        let progress = ProgressBoard::new();
        let mut keeper = LeaseKeeper::keep(
            self.store.clone(),
            claim.lease.clone(),
            self.lease,
            self.heartbeat,
            progress.watch(),
        );
        let work = AssertUnwindSafe(self.work(&claim, &progress)).catch_unwind();
        let verdict = tokio::select! {
            biased;
            stopped = keeper.stopped() => Verdict::Stopped(stopped),
            () = giving_back.cancelled() => Verdict::GiveBack,
            end = work => {
                Verdict::Worked(Box::new(end.unwrap_or_else(|_| panicked())))
            },
        };
        // The keeper goes on until the run has ended in the database, however long that takes.
        let next = self.end(claim, verdict, &progress, &mut keeper).await;
        drop(keeper);
        next
    }

    async fn work(&self, claim: &Claim, progress: &ProgressBoard) -> End {
        match &claim.inputs {
            RunInputs::InventorySync(selection) => {
                let service = &self.services.inventory_sync;
                service.run(claim, selection, progress).await
            }
            RunInputs::DirectoryGroupsSync => {
                let service = &self.services.directory_groups_sync;
                service.run(claim, progress).await
            }
        }
    }

    async fn end(
        &self,
        claim: Claim,
        verdict: Verdict,
        progress: &ProgressBoard,
        keeper: &mut LeaseKeeper,
    ) -> Next {
        let (run, kind) = (claim.lease.run_id, claim.lease.kind);
        match verdict {
            Verdict::Worked(end) => match *end {
                End::Completed(completion) => {
                    self.finish(claim, &completion, progress, keeper).await
                }
                End::Later { failure, after } => {
                    let delay = self.backoff(claim.failures).max(after.unwrap_or_default());
                    tracing::warn!(
                        code = failure.code.as_str(),
                        ?delay,
                        "run is tried again later"
                    );
                    let step = |claim| self.store.retry_later(claim, delay, &failure);
                    let requeued = insist(claim, keeper, step).await;
                    report(requeued, kind, &RUN_RETRIES, "to be tried again");
                    Next::Nothing
                }
                End::Lost => {
                    WRITES_REFUSED.add(&[], 1);
                    lost(None)
                }
            },
            Verdict::Stopped(Stopped::CancelRequested) => {
                let completion = Completion::cancelled(progress.counts());
                self.finish(claim, &completion, progress, keeper).await
            }
            Verdict::Stopped(Stopped::Lost) => lost(None),
            Verdict::GiveBack => {
                let step = |claim| self.store.hand_back(claim);
                let given = insist(claim, keeper, step).await;
                report(given, kind, &RUN_HAND_BACKS, "given back");
                match given {
                    Some(Requeued::Queued) => Next::Ring(run),
                    _ => Next::Nothing,
                }
            }
        }
    }

    async fn finish(
        &self,
        claim: Claim,
        completion: &Completion,
        progress: &ProgressBoard,
        keeper: &mut LeaseKeeper,
    ) -> Next {
        crash_point!("finish.before");
        let kind = claim.lease.kind;
        let last = progress.progress();
        let ending = Ending {
            lease: claim.lease.clone(),
            completion: completion.clone(),
            progress: Some(last),
        };
        let ended_with_others = self.endings.ask(ending).await.flatten();
        let step = |claim| self.store.finish(claim, completion, Some(&last));
        let done = match ended_with_others {
            Some(done) => Some(done),
            // Lost, held by somebody, or the database is away: the run is asked about alone.
            None => insist(claim, keeper, step).await,
        };
        match done {
            Some(Ended::Done { next }) => {
                crash_point!("finish.after_commit");
                ended(kind, completion.outcome);
                let code = completion.error.as_ref().map(|error| error.code.as_str());
                tracing::info!(
                    outcome = completion.outcome.as_str(),
                    code,
                    items_seen = completion.counts.items_seen,
                    "run ended"
                );
                next.map_or(Next::Nothing, Next::Ring)
            }
            Some(Ended::Lost { found }) => {
                WRITES_REFUSED.add(&[], 1);
                lost(Some(found))
            }
            None => lost(None),
        }
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

/// Ends what can be ended at once.
async fn finish_free(store: Store, endings: Vec<Ending>) -> Vec<Option<Ended>> {
    match store.finish_free(&endings).await {
        Ok(ended) => ended,
        Err(error) => {
            tracing::debug!(error = %Causes(&error), runs = endings.len(), "runs are ended one by one");
            vec![None; endings.len()]
        }
    }
}

/// Tries until the database answers or the lease is lost. `None` when it was lost.
async fn insist<T, F: Future<Output = Result<T, Unfinished>>>(
    mut claim: Claim,
    keeper: &mut LeaseKeeper,
    mut step: impl FnMut(Claim) -> F,
) -> Option<T> {
    loop {
        match step(claim).await {
            Ok(done) => return Some(done),
            Err(unfinished) if unfinished.source.is_transient() => {
                tracing::warn!(error = %Causes(&unfinished.source), "the run could not be ended yet");
                claim = unfinished.claim;
            }
            Err(unfinished) => {
                tracing::error!(error = %Causes(&unfinished.source), "the run could not be ended");
                return None;
            }
        }
        tokio::select! {
            () = keeper.lost() => return None,
            () = tokio::time::sleep(END_AGAIN) => {}
        }
    }
}

fn report(requeued: Option<Requeued>, kind: OperationKind, queued: &Counter, what: &'static str) {
    match requeued {
        Some(Requeued::Queued) => {
            queued.add(&[kind.as_str()], 1);
            tracing::info!("run is queued, {what}");
        }
        Some(Requeued::Failed) => {
            ended(kind, Outcome::Failed);
            tracing::warn!("run failed once too often and has ended");
        }
        Some(Requeued::Cancelled) => {
            ended(kind, Outcome::Cancelled);
            tracing::info!("run ended as cancelled");
        }
        Some(Requeued::Lost { found }) => {
            WRITES_REFUSED.add(&[], 1);
            lost(Some(found));
        }
        None => {
            lost(None);
        }
    }
}

fn ended(kind: OperationKind, outcome: Outcome) {
    RUNS_ENDED.add(&[kind.as_str(), outcome.as_str()], 1);
}

/// The run is another worker's by now, or has ended: this one is done with it.
fn lost(found: Option<FoundRun>) -> Next {
    LEASES_LOST.add(&[], 1);
    let found = found.map(tracing::field::display);
    tracing::warn!(
        found,
        "the run has another owner or has ended; nothing more is written"
    );
    Next::Nothing
}

/// The panic's own message is in the log already, by the panic hook.
fn panicked() -> End {
    End::Later {
        failure: Failure::transient(
            FailureCode::INTERNAL,
            "The worker met a defect while it worked on the run.",
        ),
        after: None,
    }
}
