//! Texts that were seen before.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use crate::request::room::{Room, Rooms};

/// So many are kept without taking room: most lists are short.
const FREE: usize = 1_024;

/// What one takes of a table that is between half and nearly full.
const BYTES_EACH: usize = 20;

/// Texts seen, as eight bytes each. Each list has a hash key of its own, so that texts
/// with equal hashes cannot be prepared.
pub(crate) struct SeenKeys {
    hashes: HashSet<u64>,
    keys: RandomState,
    room: Room,
    full: bool,
}

impl SeenKeys {
    /// An empty set that takes its memory from these.
    pub(crate) fn within(rooms: &Rooms) -> Self {
        Self::in_room(rooms.for_keys())
    }

    /// An empty set for what one answer holds at most.
    pub(crate) fn of_one_answer() -> Self {
        Self::in_room(Room::apart(usize::MAX))
    }

    fn in_room(room: Room) -> Self {
        Self {
            hashes: HashSet::new(),
            keys: RandomState::new(),
            room,
            full: false,
        }
    }

    /// An empty set for other texts, with memory from the same place.
    pub(crate) fn another(&self) -> Self {
        Self::in_room(self.room.another())
    }

    /// An empty set for the same list, that [`Self::absorb`] takes.
    pub(crate) fn sibling(&self) -> Self {
        Self {
            keys: self.keys.clone(),
            ..self.another()
        }
    }

    /// Adds `text`. Returns whether it is new. Nothing is added to a set that is full.
    pub(crate) fn insert(&mut self, text: &str) -> bool {
        let hash = self.keys.hash_one(text);
        if self.hashes.contains(&hash) {
            return false;
        }
        self.take_room(self.hashes.len() + 1);
        if !self.full {
            self.hashes.insert(hash);
        }
        true
    }

    /// Whether there was no memory for all that was to be added.
    pub(crate) const fn is_full(&self) -> bool {
        self.full
    }

    fn take_room(&mut self, keys: usize) {
        self.full |= keys > FREE && self.room.grow_to(keys * BYTES_EACH).is_err();
    }

    /// Whether `text` was seen.
    pub(crate) fn contains(&self, text: &str) -> bool {
        self.hashes.contains(&self.keys.hash_one(text))
    }

    /// Adds what a sibling has seen.
    pub(crate) fn absorb(&mut self, sibling: Self) {
        let Self {
            hashes, room, full, ..
        } = sibling;
        self.full |= full;
        self.hashes.extend(hashes);
        drop(room);
        self.take_room(self.hashes.len());
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
        let mut seen = SeenKeys::of_one_answer();
        let mut sibling = seen.sibling();
        assert!(seen.insert("a") && !seen.insert("a") && sibling.insert("a"));
        assert!(seen.is_within(&sibling));
        sibling.insert("b");
        assert!(seen.is_within(&sibling) && !sibling.is_within(&seen));
        seen.absorb(sibling);
        assert!(seen.contains("b") && !seen.contains("c"));
    }

    #[test]
    fn sets_that_share_little_memory_become_full_and_say_so() {
        let rooms = Rooms::new(8 * 1024 * 1024, usize::MAX);
        let (mut one, mut other) = (SeenKeys::within(&rooms), SeenKeys::within(&rooms));
        let texts = (0..200_000).map(|number: u32| number.to_string());
        assert!(texts.clone().all(|text| one.insert(&text)));
        assert!(one.is_full() && one.insert("more") && one.insert("more"));
        assert!(!one.insert("5"), "what it knew before it was full is known");
        texts
            .take(FREE)
            .for_each(|text| assert!(other.insert(&text)));
        assert!(!other.is_full(), "a short list has its place");
        assert!(other.insert("one more") && other.is_full());
        drop(one);
        let mut later = other.another();
        assert!((0..=FREE).all(|number| later.insert(&number.to_string())));
        assert!(!later.is_full());
    }
}
