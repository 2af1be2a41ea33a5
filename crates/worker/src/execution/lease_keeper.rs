//! Keeping the lease of a run: heartbeats renew it in time, write progress, and return requests to
//! cancel.

use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::run::{Lease, Progress};
use atlas_store::{Heartbeat, Store};
use atlas_telemetry::metrics::HEARTBEAT;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use crate::interrupt::Interrupt;

/// Progress is written at most this often, however fast it comes.
const PROGRESS_GAP: Duration = Duration::from_secs(1);
/// The part of the lease after which an owner that could not renew it stops by itself. The
/// database's clock decides who may write; this only spares work that would be refused.
const SURE_PART: f64 = 0.75;

/// Why the work on a run must stop, as heartbeats find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// Somebody asked for it.
    CancelRequested,
    /// The run is somebody else's, or has ended.
    LeaseLost,
    /// The lease could not be renewed in time, because the database was away. Nobody may have taken
    /// the run over yet.
    NotRenewed,
}

impl From<StopReason> for Interrupt {
    fn from(reason: StopReason) -> Self {
        match reason {
            StopReason::CancelRequested => Self::CancelRequested,
            StopReason::LeaseLost => Self::LeaseLost,
            StopReason::NotRenewed => Self::NotRenewed,
        }
    }
}

/// Renews a lease until it is dropped.
#[derive(Debug)]
pub struct LeaseKeeper {
    stop: watch::Receiver<Option<StopReason>>,
    task: JoinHandle<()>,
}

impl LeaseKeeper {
    /// Begins to renew, in a task of its own, so that long work delays no heartbeat.
    #[must_use]
    pub fn keep(
        store: Store,
        lease: Lease,
        duration: Duration,
        interval: Duration,
        progress: watch::Receiver<Progress>,
    ) -> Self {
        let (stop_sender, stop) = watch::channel(None);
        let beat = Beat {
            store,
            lease,
            duration,
            interval,
        };
        let task = tokio::spawn(beat.run(progress, stop_sender));
        Self { stop, task }
    }

    /// Waits until the work must stop.
    pub async fn stopped(&mut self) -> StopReason {
        match self.stop.wait_for(Option::is_some).await {
            Ok(reason) => reason.unwrap_or(StopReason::LeaseLost),
            Err(_) => StopReason::LeaseLost,
        }
    }

    /// Waits until the lease is lost, or not renewed in time. A request to cancel is no loss.
    pub async fn lost(&mut self) {
        let _ = self
            .stop
            .wait_for(|reason| {
                matches!(reason, Some(StopReason::LeaseLost | StopReason::NotRenewed))
            })
            .await;
    }
}

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Beat {
    store: Store,
    lease: Lease,
    duration: Duration,
    interval: Duration,
}

impl Beat {
    async fn run(
        self,
        mut progress: watch::Receiver<Progress>,
        stop: watch::Sender<Option<StopReason>>,
    ) {
        let mut renewed = Instant::now();
        loop {
            self.pause(renewed, &mut progress).await;
            let asked = Instant::now();
            let snapshot = *progress.borrow_and_update();
            let answer = timeout(
                self.interval,
                self.store
                    .heartbeat(&self.lease, self.duration, Some(&snapshot)),
            )
            .await;
            HEARTBEAT.record(&[], asked.elapsed());
            match answer {
                Ok(Ok(Heartbeat::Renewed { cancel_requested })) => {
                    renewed = asked;
                    if cancel_requested {
                        stop.send_if_modified(|reason| {
                            reason.replace(StopReason::CancelRequested).is_none()
                        });
                    }
                }
                Ok(Ok(Heartbeat::Lost { found })) => {
                    tracing::info!(%found, "the lease is lost");
                    stop.send_replace(Some(StopReason::LeaseLost));
                    return;
                }
                Ok(Err(error)) => tracing::warn!(error = %Causes(&error), "a heartbeat failed"),
                Err(_) => tracing::warn!("a heartbeat was not answered in time"),
            }
            if renewed.elapsed() > self.duration.mul_f64(SURE_PART) {
                stop.send_replace(Some(StopReason::NotRenewed));
                return;
            }
        }
    }

    /// Until the next heartbeat is due, or earlier when there is progress to report.
    async fn pause(&self, renewed: Instant, progress: &mut watch::Receiver<Progress>) {
        let now = Instant::now();
        let due = (renewed + self.interval).max(now + self.interval / 10);
        let soonest = (renewed + PROGRESS_GAP.min(self.interval)).min(due);
        tokio::select! {
            () = sleep_until(due) => return,
            changed = progress.changed() => {
                if changed.is_err() {
                    // The work has ended; until the run has, only the lease counts.
                    sleep_until(due).await;
                    return;
                }
            }
        }
        sleep_until(soonest).await;
    }
}
