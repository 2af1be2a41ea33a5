//! How far a run is, shared between the service that works and the heartbeat that tells.

use atlas_domain::inventory::{TypeResult, TypeStatus};
use atlas_domain::run::{Progress, ProgressPhase, RunCounts};
use tokio::sync::watch;

/// What a run has done so far. Only ever grows.
#[derive(Debug)]
pub struct ProgressBoard {
    state: watch::Sender<Progress>,
    counts: std::sync::Mutex<RunCounts>,
}

impl Default for ProgressBoard {
    fn default() -> Self {
        Self::new()
    }
}

impl ProgressBoard {
    /// Nothing is done.
    #[must_use]
    pub fn new() -> Self {
        let (state, _) = watch::channel(Progress {
            phase: ProgressPhase::Planning,
            completed: 0,
            failed: 0,
            skipped: 0,
            total: 0,
            items_seen: 0,
        });
        Self {
            state,
            counts: std::sync::Mutex::default(),
        }
    }

    /// Tells of each change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.state.subscribe()
    }

    /// How far the run is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        *self.state.borrow()
    }

    /// What it has done.
    #[must_use]
    pub fn counts(&self) -> RunCounts {
        *self.lock()
    }

    /// This many types are asked for.
    pub fn planned(&self, total: usize) {
        let total = u32::try_from(total).unwrap_or(u32::MAX);
        self.state.send_modify(|state| state.total = total);
    }

    /// The next phase begins.
    pub fn enter(&self, phase: ProgressPhase) {
        self.state.send_modify(|state| state.phase = phase);
    }

    /// A page with this many objects was stored.
    pub fn stored(&self, objects: u64) {
        self.state.send_modify(|state| state.items_seen += objects);
    }

    /// So many lists that hold no policies were read to their ends.
    pub fn lists_ended(&self, lists: u32) {
        self.state.send_modify(|state| state.completed += lists);
    }

    /// What was done so far by a run that reads no policy types.
    pub fn done(&self, counts: RunCounts) {
        *self.lock() = counts;
    }

    /// One type has its result.
    pub fn type_ended(&self, result: &TypeResult) {
        self.lock().add(result);
        self.state.send_modify(|state| match result.status {
            TypeStatus::Succeeded | TypeStatus::Incomplete => state.completed += 1,
            TypeStatus::Skipped => state.skipped += 1,
            TypeStatus::Failed | TypeStatus::Pending => state.failed += 1,
        });
    }

    /// Numbers are whole after a panic, too.
    fn lock(&self) -> std::sync::MutexGuard<'_, RunCounts> {
        self.counts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
