//! What a worker does at intervals takes turns, so that an idle worker needs one connection to the
//! database.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long somebody waits for a turn, before going beside whoever has it: a sweep that waits for a
/// lock holds up nobody longer.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// The turns of a process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Turns {
    /// Waits for a turn, half a second at most; the caller has it until the value is dropped. None when
    /// somebody else still has it: the caller goes beside.
    pub async fn take(&self) -> Option<OwnedSemaphorePermit> {
        let acquired = timeout(LONGEST_WAIT, self.0.clone().acquire_owned()).await;
        acquired.ok().and_then(Result::ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_has_a_turn_and_nobody_waits_for_it_long() {
        let turns = Turns::default();
        let first = turns.take().await;
        assert!(first.is_some());
        assert!(turns.take().await.is_none(), "it goes beside the first");
        drop(first);
        assert!(turns.take().await.is_some());
    }
}
