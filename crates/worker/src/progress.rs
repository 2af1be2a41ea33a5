//! How far a run is and what it has done: reported by the service that works on it, read by the
//! executor and the heartbeat.

use std::sync::{Mutex, PoisonError};

use atlas_domain::run::{OperationKind, Progress, RunCounts};
use tokio::sync::watch;

/// The last report of a run, of any kind.
#[derive(Debug)]
pub struct ProgressBoard {
    progress: watch::Sender<Progress>,
    counts: Mutex<RunCounts>,
}

impl ProgressBoard {
    /// The board of a run of this kind that has just begun.
    #[must_use]
    pub fn new(kind: OperationKind) -> Self {
        Self {
            progress: watch::Sender::new(Progress::begin(kind)),
            counts: Mutex::new(RunCounts::none(kind)),
        }
    }

    /// Notifies of the progress at once, and then of each change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Progress> {
        let mut receiver = self.progress.subscribe();
        receiver.mark_changed();
        receiver
    }

    /// How far the run is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        *self.progress.borrow()
    }

    /// What it has done.
    #[must_use]
    pub fn counts(&self) -> RunCounts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, progress: Progress, counts: RunCounts) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = counts;
        self.progress
            .send_if_modified(|last| std::mem::replace(last, progress) != progress);
    }
}

/// Progress and counts of one run in the types of its kind. Every change is published on the run's
/// board.
#[derive(Debug)]
pub struct Tracker<'a, P, C> {
    board: &'a ProgressBoard,
    state: Mutex<(P, C)>,
}

impl<'a, P, C> Tracker<'a, P, C>
where
    P: Copy + Default + Into<Progress>,
    C: Copy + Default + Into<RunCounts>,
{
    /// Nothing is done.
    #[must_use]
    pub fn new(board: &'a ProgressBoard) -> Self {
        Self {
            board,
            state: Mutex::default(),
        }
    }

    /// Changes progress and counts, and publishes both.
    pub fn update(&self, change: impl FnOnce(&mut P, &mut C)) {
        // Numbers are whole after a panic, too.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (progress, counts) = &mut *state;
        change(progress, counts);
        self.board.publish((*progress).into(), (*counts).into());
    }

    /// What the run has done.
    #[must_use]
    pub fn counts(&self) -> C {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

#[cfg(test)]
mod tests {
    use atlas_domain::run::{GroupCounts, GroupsProgress};

    use super::*;

    #[test]
    fn only_a_change_of_the_progress_wakes_the_heartbeat() {
        let board = ProgressBoard::new(OperationKind::DirectoryGroupsSync);
        let mut heartbeat = board.watch();
        heartbeat.mark_unchanged();
        let tracker = Tracker::<GroupsProgress, GroupCounts>::new(&board);
        tracker.update(|_, counts| counts.missing = 3);
        assert!(!heartbeat.has_changed().unwrap());
        tracker.update(|progress, _| progress.seen = 5);
        assert!(heartbeat.has_changed().unwrap());
        let expected = GroupCounts {
            missing: 3,
            ..GroupCounts::default()
        };
        assert_eq!(board.counts(), expected.into());
    }
}
