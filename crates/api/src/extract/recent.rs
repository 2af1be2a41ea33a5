//! What was looked up a moment ago.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Entries at most.
const CAPACITY: usize = 10_000;

/// Values that live for a while from when they were put.
pub(crate) struct Recent<K, V> {
    life: Duration,
    entries: Mutex<HashMap<K, (Instant, V)>>,
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    /// Entries live this long.
    pub(crate) fn new(life: Duration) -> Self {
        Self {
            life,
            entries: Mutex::default(),
        }
    }

    /// The value that lives.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let entries = self.lock();
        let (at, value) = entries.get(key)?;
        (at.elapsed() < self.life).then(|| value.clone())
    }

    /// Whether there is a value, also one that lives no more.
    pub(crate) fn has(&self, key: &K) -> bool {
        self.lock().contains_key(key)
    }

    /// Keeps the value, unless too many live.
    pub(crate) fn put(&self, key: K, value: V) {
        if self.life.is_zero() {
            return;
        }
        let mut entries = self.lock();
        if entries.len() >= CAPACITY {
            entries.retain(|_, (at, _)| at.elapsed() < self.life);
        }
        if entries.len() < CAPACITY {
            entries.insert(key, (Instant::now(), value));
        }
    }

    /// Ends the value's life.
    pub(crate) fn remove(&self, key: &K) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, (Instant, V)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_while_it_lives() {
        let recent = Recent::new(Duration::from_secs(60));
        assert_eq!(recent.get(&1), None);
        recent.put(1, 'a');
        assert_eq!(recent.get(&1), Some('a'));
        recent.remove(&1);
        assert_eq!(recent.get(&1), None);
        let dead = Recent::new(Duration::ZERO);
        dead.put(1, 'a');
        assert_eq!(dead.get(&1), None);
        let short = Recent::new(Duration::from_nanos(1));
        short.put(1, 'a');
        while short.get(&1).is_some() {}
        assert!(short.has(&1));
    }

    #[test]
    fn entries_do_not_grow_beyond_their_capacity() {
        let recent = Recent::new(Duration::from_secs(60));
        for key in 0..CAPACITY + 10 {
            recent.put(key, ());
        }
        assert_eq!(recent.lock().len(), CAPACITY);
    }
}
