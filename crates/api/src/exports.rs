//! Exports under way: each holds a page in memory and a connection of its caller, so that a caller has
//! only a few at once. Each process counts for itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use atlas_domain::ids::UserId;

/// Exports of one caller at once.
pub(crate) const MOST: usize = 2;

/// How many exports each caller has under way.
#[derive(Debug, Default)]
pub(crate) struct ExportsUnderWay(Arc<Mutex<HashMap<UserId, usize>>>);

/// An export under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct ExportUnderWay {
    all: Arc<Mutex<HashMap<UserId, usize>>>,
    user: UserId,
}

impl ExportsUnderWay {
    /// Counts another export of the user; `None` when there are as many as may be.
    pub(crate) fn begin(&self, user: UserId) -> Option<ExportUnderWay> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(user).or_default();
        if *count >= MOST {
            return None;
        }
        *count += 1;
        Some(ExportUnderWay {
            all: self.0.clone(),
            user,
        })
    }
}

impl Drop for ExportUnderWay {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_caller_has_few_exports_at_once_and_others_do_not_count() {
        let exports = ExportsUnderWay::default();
        let user = |n| UserId::from_uuid(Uuid::from_u128(n));
        let first = exports.begin(user(1)).unwrap();
        let _second = exports.begin(user(1)).unwrap();
        assert!(exports.begin(user(1)).is_none());
        assert!(exports.begin(user(2)).is_some());
        drop(first);
        assert!(exports.begin(user(1)).is_some());
    }
}
