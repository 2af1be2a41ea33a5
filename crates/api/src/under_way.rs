//! Exports and streams under way: each holds memory and a connection, so that a caller has only so many at
//! once. Each process counts for itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atlas_domain::ids::UserId;

/// Exports of one caller at once.
pub(crate) const EXPORTS: usize = 2;

/// How many of one sort each caller has under way.
#[derive(Debug)]
pub(crate) struct UnderWay {
    counts: Arc<Mutex<Counts>>,
    of_a_user: usize,
    of_all: usize,
}

#[derive(Debug, Default)]
struct Counts {
    by_user: HashMap<UserId, usize>,
    all: usize,
}

/// One under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct OneUnderWay {
    counts: Arc<Mutex<Counts>>,
    user: UserId,
}

impl UnderWay {
    /// So many of one user, and of all together.
    pub(crate) fn new(of_a_user: usize, of_all: usize) -> Self {
        Self {
            counts: Arc::default(),
            of_a_user,
            of_all,
        }
    }

    /// Counts another one of the user; `None` when there are as many as may be.
    pub(crate) fn begin(&self, user: UserId) -> Option<OneUnderWay> {
        let mut counts = lock(&self.counts);
        let of_user = counts.by_user.get(&user).copied().unwrap_or_default();
        if of_user >= self.of_a_user || counts.all >= self.of_all {
            return None;
        }
        counts.by_user.insert(user, of_user + 1);
        counts.all += 1;
        Some(OneUnderWay {
            counts: self.counts.clone(),
            user,
        })
    }
}

impl Drop for OneUnderWay {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        counts.all -= 1;
        if let Some(count) = counts.by_user.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                counts.by_user.remove(&self.user);
            }
        }
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_caller_has_few_at_once_and_those_of_others_count_for_the_process_alone() {
        let under_way = UnderWay::new(2, 3);
        let user = |n| UserId::from_uuid(Uuid::from_u128(n));
        let first = under_way.begin(user(1)).unwrap();
        let second = under_way.begin(user(1)).unwrap();
        assert!(under_way.begin(user(1)).is_none());
        let other = under_way.begin(user(2)).unwrap();
        assert!(under_way.begin(user(3)).is_none(), "all together are three");
        drop(first);
        assert!(under_way.begin(user(1)).is_some());
        drop((second, other));
        assert_eq!(lock(&under_way.counts).by_user.len(), 0);
    }
}
