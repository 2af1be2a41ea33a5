//! Texts that were met before.

use std::collections::HashSet;
use std::hash::BuildHasher;

/// Texts seen, as eight bytes each. The hashes are keyed afresh for each list, so that nobody can
/// prepare texts that are mistaken for each other.
#[derive(Default)]
pub(crate) struct Seen {
    hashes: HashSet<u64>,
    keys: std::hash::RandomState,
}

impl Seen {
    /// Whether `text` is new.
    pub(crate) fn insert(&mut self, text: &str) -> bool {
        self.hashes.insert(self.keys.hash_one(text))
    }

    /// Whether `text` was met.
    pub(crate) fn contains(&self, text: &str) -> bool {
        self.hashes.contains(&self.keys.hash_one(text))
    }
}
