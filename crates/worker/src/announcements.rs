//! Announcing to streams that there are events to read.

use std::sync::Arc;
use std::time::Duration;

use atlas_queue::Doorbell;
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

/// Runs that begin and end within this time share an announcement, after the first one.
const PAUSE: Duration = Duration::from_millis(10);

/// Announces events in a task of its own, so that no run waits for Redis.
pub(crate) struct Announcements {
    due: Arc<Notify>,
    _task: AbortOnDropHandle<()>,
}

impl Announcements {
    /// Announces through `doorbell` until it is dropped.
    pub(crate) fn new(doorbell: Doorbell) -> Self {
        let due = Arc::new(Notify::new());
        let wanted = Arc::clone(&due);
        let task = tokio::spawn(async move {
            loop {
                wanted.notified().await;
                doorbell.announce_events().await;
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self {
            due,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// Has streams look at the log: at once, or with others that want the same in this moment.
    pub(crate) fn announce(&self) {
        self.due.notify_one();
    }
}
