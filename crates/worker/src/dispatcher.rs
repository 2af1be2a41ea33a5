//! Slots that claim runs and execute them. A run that could not be claimed because the database did
//! not answer waits for the next message or sweep.

use std::sync::Arc;
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::ids::RunId;
use atlas_domain::run::Claim;
use atlas_domain::run::lease::LeaseTerms;
use atlas_queue::{Doorbell, Message};
use atlas_store::{Coalescer, Store};
use atlas_telemetry::crash_point;
use atlas_telemetry::metrics::CLAIMS;
use futures::future::BoxFuture;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, RwLock, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::announcements::Announcements;
use crate::execution::Executor;

/// Runs that one statement claims at most.
const CLAIMS_AT_ONCE: usize = 64;

/// The slots of a process.
pub struct Dispatcher {
    /// Slots that look in the same moment claim with one statement.
    claims: Coalescer<(), Option<Claim>>,
    doorbell: Doorbell,
    announcements: Announcements,
    executor: Arc<Executor>,
    slots: Arc<Semaphore>,
    tasks: TaskTracker,
    /// Held for reading by claims under way, so that draining can wait for them.
    claiming: RwLock<()>,
    /// Whether this program works with the database's schema, as sweeps saw it last. The statement that
    /// claims asks for itself; without this, slots would ask in vain, and take messages from programs
    /// that can do something about them.
    schema_fits: watch::Sender<bool>,
    /// Cancelled once no further run may be claimed.
    draining: CancellationToken,
    /// Cancelled once the runs under way are to be handed back.
    handing_back: CancellationToken,
}

impl Dispatcher {
    /// A dispatcher with this many free slots, over a schema that fits.
    #[must_use]
    pub fn new(
        store: Store,
        doorbell: Doorbell,
        executor: Executor,
        terms: LeaseTerms,
        slots: usize,
    ) -> Arc<Self> {
        let terms = Arc::new(terms);
        let claims = Coalescer::new(CLAIMS_AT_ONCE, 1, move |slots: Vec<()>| {
            claim_for(store.clone(), terms.clone(), slots.len())
        });
        Arc::new(Self {
            claims,
            announcements: Announcements::new(doorbell.clone()),
            doorbell,
            executor: Arc::new(executor),
            slots: Arc::new(Semaphore::new(slots)),
            tasks: TaskTracker::new(),
            claiming: RwLock::new(()),
            schema_fits: watch::Sender::new(true),
            draining: CancellationToken::new(),
            handing_back: CancellationToken::new(),
        })
    }

    /// Waits for a free slot, which then works until no run is due. The work is a task of its own:
    /// whoever waits here may be dropped by a fault of Redis, the run must not be.
    pub async fn look(self: Arc<Self>, message: Message) {
        let slot = tokio::select! {
            () = self.draining.cancelled() => return,
            slot = self.free_slot() => slot,
        };
        let Ok(slot) = slot else { return };
        let work = self.tasks.spawn(self.clone().work(slot, Some(message)));
        // A panic in a run is caught where the run is executed; this one would be in the slot.
        if let Err(error) = work.await {
            tracing::error!(error = %Causes(&error), "a slot ended unexpectedly");
        }
    }

    /// Lets the free slots claim runs for which no message arrived.
    pub fn look_without_message(self: &Arc<Self>) {
        if !self.may_claim() {
            return;
        }
        if let Ok(slot) = self.slots.clone().try_acquire_owned() {
            self.tasks.spawn(self.clone().work(slot, None));
        }
    }

    /// While the schema does not fit, nothing is claimed, and nobody is rung: messages that arrive wait.
    /// Runs under way go on.
    pub fn set_schema_fits(&self, fits: bool) {
        self.schema_fits.send_replace(fits);
    }

    /// Whether this program fits the schema, as it was last found.
    #[must_use]
    pub fn schema_fits(&self) -> bool {
        *self.schema_fits.borrow()
    }

    /// Claims nothing more and waits for the runs under way; after `grace` they are handed back.
    pub async fn drain(&self, grace: Duration) {
        self.draining.cancel();
        // A claim under way might otherwise take what is handed back below.
        drop(self.claiming.write().await);
        self.tasks.close();
        crash_point!("drain.mid");
        if tokio::time::timeout(grace, self.tasks.wait())
            .await
            .is_err()
        {
            self.handing_back.cancel();
            self.tasks.wait().await;
        }
    }

    /// Boxed, because a slot lets another one look, which is the same future again.
    fn work(
        self: Arc<Self>,
        slot: OwnedSemaphorePermit,
        message: Option<Message>,
    ) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.work_until_none_is_due(message).await;
            drop(slot);
        })
    }

    async fn work_until_none_is_due(self: &Arc<Self>, message: Option<Message>) {
        while let Some(claim) = self.claim().await {
            CLAIMS.add(&[claim.lease.kind.as_str()], 1);
            self.announcements.announce();
            crash_point!("claim.after");
            if message.is_none() {
                crash_point!("sweep.after_row");
            }
            // More may be due: another free slot looks while this one works.
            self.look_without_message();
            let run = claim.lease.run_id;
            let trace = message
                .as_ref()
                .filter(|message| message.run == Some(run))
                .and_then(|message| message.trace);
            let span = tracing::info_span!(
                "run",
                run_id = %run,
                tenant_id = %claim.lease.tenant_id,
                attempt = claim.lease.attempt,
                trace_id = trace.map(|trace| trace.trace_id()),
            );
            let waiting = self
                .executor
                .execute(claim, self.handing_back.clone())
                .instrument(span)
                .await;
            self.announcements.announce();
            if let Some(run) = waiting {
                self.ring(run).await;
            }
        }
    }

    /// A slot, once the schema fits.
    async fn free_slot(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        // It fails only when the sender is gone, which is a field of this.
        let _ = self.schema_fits.subscribe().wait_for(|fits| *fits).await;
        self.slots.clone().acquire_owned().await
    }

    fn may_claim(&self) -> bool {
        *self.schema_fits.borrow() && !self.draining.is_cancelled()
    }

    /// The run that is due next; none while draining, and while the schema does not fit.
    async fn claim(&self) -> Option<Claim> {
        let _under_way = self.claiming.read().await;
        if !self.may_claim() {
            return None;
        }
        self.claims.ask(()).await.flatten()
    }

    async fn ring(&self, run: RunId) {
        if !*self.schema_fits.borrow() {
            return;
        }
        if let Err(error) = self.doorbell.ring(run, None).await {
            tracing::debug!(error = %Causes(&error), run_id = %run, "nobody was rung; a sweep finds the run");
        }
    }
}

/// A claim for each slot, as far as runs are due.
async fn claim_for(store: Store, terms: Arc<LeaseTerms>, slots: usize) -> Vec<Option<Claim>> {
    let claims = store
        .claim_due(&terms, slots)
        .await
        .unwrap_or_else(|error| {
            tracing::warn!(error = %Causes(&error), "no run could be claimed");
            Vec::new()
        });
    let mut each: Vec<_> = claims.into_iter().map(Some).collect();
    each.resize_with(slots, || None);
    each
}
