//! Saying each fault once.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::fault::RedisFaultKind;

/// A fault that was not met for so long is news when it comes back.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

/// Which fault lasts, so that it is logged when it begins and not each time it is met.
#[derive(Debug, Default)]
pub(crate) struct Notices(Mutex<Option<(RedisFaultKind, Instant)>>);

impl Notices {
    /// Whether the fault has just begun.
    pub(crate) fn begins(&self, kind: RedisFaultKind) -> bool {
        let now = Instant::now();
        let before = self.replace(Some((kind, now)));
        !before.is_some_and(|(last, at)| last == kind && now.duration_since(at) < FORGOTTEN_AFTER)
    }

    /// Whether this ends a fault.
    pub(crate) fn ends(&self) -> bool {
        self.replace(None).is_some()
    }

    fn replace(
        &self,
        next: Option<(RedisFaultKind, Instant)>,
    ) -> Option<(RedisFaultKind, Instant)> {
        let mut last = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        std::mem::replace(&mut *last, next)
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
}
