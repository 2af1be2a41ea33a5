//! Whether Redis can be used. A worker works without it, so that it is only reported.

use std::time::Duration;

use atlas_queue::{Doorbell, ListenerFaults, RedisFaultKind};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What was last found of Redis.
#[derive(Debug, Clone)]
pub struct RedisState(watch::Receiver<Option<RedisFaultKind>>);

impl RedisState {
    /// Looks at every interval until `shutdown`, beside everything else: a Redis that hangs delays
    /// nothing. Where the listener knows the cause, no push is tried that would log it a second time.
    #[must_use]
    pub fn watched(
        doorbell: Doorbell,
        listener: ListenerFaults,
        interval: Duration,
        shutdown: CancellationToken,
    ) -> Self {
        let (found, state) = watch::channel(None);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    fault = look(&doorbell, &listener) => found.send_replace(fault),
                };
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(interval) => {}
                }
            }
        });
        Self(state)
    }

    /// What is wrong and what to do, if anything is.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        self.0.borrow().map(RedisFaultKind::advice)
    }
}

/// A push names causes that a stream does not.
async fn look(doorbell: &Doorbell, listener: &ListenerFaults) -> Option<RedisFaultKind> {
    match listener.lasting() {
        Some(kind) if kind != RedisFaultKind::Other => Some(kind),
        met => match doorbell.rehearse().await {
            Ok(()) => met,
            Err(fault) => Some(fault.kind()),
        },
    }
}
