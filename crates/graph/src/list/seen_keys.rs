//! Texts that were seen before.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// Texts seen, as eight bytes each. Each list has a hash key of its own, so that texts
/// with equal hashes cannot be prepared.
#[derive(Default)]
pub(crate) struct SeenKeys {
    hashes: HashSet<u64>,
    keys: RandomState,
}

impl SeenKeys {
    /// An empty set for the same list, that [`Self::absorb`] takes.
    pub(crate) fn sibling(&self) -> Self {
        Self {
            hashes: HashSet::new(),
            keys: self.keys.clone(),
        }
    }

    /// Adds `text`. Returns whether it is new.
    pub(crate) fn insert(&mut self, text: &str) -> bool {
        self.hashes.insert(self.keys.hash_one(text))
    }

    /// Whether `text` was seen.
    pub(crate) fn contains(&self, text: &str) -> bool {
        self.hashes.contains(&self.keys.hash_one(text))
    }

    /// Adds what a sibling has seen.
    pub(crate) fn absorb(&mut self, sibling: Self) {
        self.hashes.extend(sibling.hashes);
    }

    /// Whether a sibling has met all of these.
    pub(crate) fn is_within(&self, sibling: &Self) -> bool {
        self.hashes.is_subset(&sibling.hashes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_know_texts_by_the_same_hashes() {
        let mut seen = SeenKeys::default();
        let mut sibling = seen.sibling();
        assert!(seen.insert("a") && !seen.insert("a") && sibling.insert("a"));
        assert!(seen.is_within(&sibling));
        sibling.insert("b");
        assert!(seen.is_within(&sibling) && !sibling.is_within(&seen));
        seen.absorb(sibling);
        assert!(seen.contains("b") && !seen.contains("c"));
    }
}
