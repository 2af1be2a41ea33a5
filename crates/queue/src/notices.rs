//! Saying each fault once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::fault::RedisFaultKind;

/// A fault that was not met for so long is news when it comes back.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// Which fault lasts, so that it is logged when it begins and not each time it is met.
#[derive(Debug, Default)]
pub(crate) struct Notices(Mutex<Option<Met>>);

/// A fault that was met.
#[derive(Debug, Clone, Copy)]
struct Met {
    kind: RedisFaultKind,
    last: Instant,
    /// More than once.
    again: bool,
}

impl Notices {
    /// Whether the fault has just begun.
    pub(crate) fn begins(&self, kind: RedisFaultKind) -> bool {
        let now = Instant::now();
        let mut met = self.met();
        let again = met.is_some_and(|before| {
            before.kind == kind && now.duration_since(before.last) < FORGOTTEN_AFTER
        });
        *met = Some(Met {
            kind,
            last: now,
            again,
        });
        !again
    }

    /// Whether this ends a fault.
    pub(crate) fn ends(&self) -> bool {
        self.met().take().is_some()
    }

    /// The fault that was met more than once, and last within this time.
    pub(crate) fn lasting(&self, within: Duration) -> Option<RedisFaultKind> {
        let met = *self.met();
        met.filter(|met| met.again && met.last.elapsed() < within)
            .map(|met| met.kind)
    }

    fn met(&self) -> MutexGuard<'_, Option<Met>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_news_when_it_begins_changes_or_comes_back() {
        let notices = Notices::default();
        assert!(!notices.ends());
        assert!(notices.begins(RedisFaultKind::Password));
        assert!(!notices.begins(RedisFaultKind::Password));
        assert!(notices.begins(RedisFaultKind::Full));
        assert!(notices.ends());
        assert!(!notices.ends());
        assert!(notices.begins(RedisFaultKind::Full));
    }

    #[test]
    fn a_fault_lasts_once_it_is_met_again_until_it_ends_or_is_not_met_for_a_while() {
        let (notices, long) = (Notices::default(), Duration::from_secs(60));
        assert_eq!(notices.lasting(long), None);
        notices.begins(RedisFaultKind::Full);
        assert_eq!(
            notices.lasting(long),
            None,
            "it may have been the only time"
        );
        notices.begins(RedisFaultKind::Full);
        assert_eq!(notices.lasting(long), Some(RedisFaultKind::Full));
        assert_eq!(notices.lasting(Duration::ZERO), None);
        notices.begins(RedisFaultKind::Password);
        assert_eq!(notices.lasting(long), None, "another one has begun");
        notices.begins(RedisFaultKind::Password);
        notices.ends();
        assert_eq!(notices.lasting(long), None);
    }
}
