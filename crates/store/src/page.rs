//! Keyset pages.

use std::cmp::Ordering;

use crate::keyset::Direction;

/// Which part of an ordered list to read. Its rows are in the list's order, wherever the page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest<K> {
    /// How many rows at most. Callers ask for one more than they show, to know whether there are more.
    pub limit: i64,
    pub place: Place<K>,
}

/// Where a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<K> {
    /// At the beginning of the list.
    First,
    /// Right after the row with this key.
    After(K),
    /// Right before the row with this key.
    Before(K),
}

impl<K> Place<K> {
    /// The same, by another key.
    pub fn map<L>(self, key: impl FnOnce(K) -> L) -> Place<L> {
        match self {
            Self::First => Place::First,
            Self::After(row) => Place::After(key(row)),
            Self::Before(row) => Place::Before(key(row)),
        }
    }
}

impl<K> PageRequest<K> {
    /// The first page.
    #[must_use]
    pub const fn first(limit: i64) -> Self {
        Self {
            limit,
            place: Place::First,
        }
    }

    /// The page after the row with this key or, without one, the first page.
    #[must_use]
    pub fn after(limit: i64, key: Option<K>) -> Self {
        Self {
            limit,
            place: key.map_or(Place::First, Place::After),
        }
    }

    /// The same, by another key.
    #[must_use]
    pub fn map<L>(self, key: impl FnOnce(K) -> L) -> PageRequest<L> {
        PageRequest {
            limit: self.limit,
            place: self.place.map(key),
        }
    }

    /// The key of the row beside the page, beyond which its rows are.
    pub(crate) const fn key(&self) -> Option<&K> {
        match &self.place {
            Place::First => None,
            Place::After(key) | Place::Before(key) => Some(key),
        }
    }

    /// In which direction the page of a list with this direction is read, from the row beside it on.
    pub(crate) const fn reads(&self, list: Direction) -> Direction {
        match &self.place {
            Place::First | Place::After(_) => list,
            Place::Before(_) => list.reversed(),
        }
    }

    /// Rows as they were read, in the list's order.
    pub(crate) fn in_list_order<R>(&self, mut rows: Vec<R>) -> Vec<R> {
        if matches!(self.place, Place::Before(_)) {
            rows.reverse();
        }
        rows
    }

    /// The page of a list whose rows are all there, or as many of them as a page has around it.
    #[must_use]
    pub fn cut<R>(&self, mut rows: Vec<R>, compare: impl Fn(&R, &K) -> Ordering) -> Vec<R> {
        let limit = usize::try_from(self.limit).unwrap_or_default();
        match &self.place {
            Place::First => {}
            Place::After(key) => rows.retain(|row| compare(row, key).is_gt()),
            Place::Before(key) => {
                rows.retain(|row| compare(row, key).is_lt());
                rows.drain(..rows.len().saturating_sub(limit));
            }
        }
        rows.truncate(limit);
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_into_the_rows_beside_a_row_in_the_order_of_the_list() {
        let cut = |place| {
            let page = PageRequest { limit: 2, place };
            page.cut(vec![1, 2, 3, 4, 5, 6], |row, key| row.cmp(key))
        };
        assert_eq!(cut(Place::First), [1, 2]);
        assert_eq!(cut(Place::After(2)), [3, 4]);
        assert_eq!(cut(Place::After(5)), [6]);
        assert_eq!(cut(Place::Before(5)), [3, 4]);
        assert_eq!(cut(Place::Before(2)), [1]);
        assert_eq!(cut(Place::Before(1)), Vec::<i32>::new());
    }
}
