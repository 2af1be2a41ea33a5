//! Whether the pages of a list still bring anything.

use crate::error::PagingRefusal;

/// Pages in a row that have rows, and none that is new. One or two are no wonder: a list moves while
/// it is read, and changes of one group may fill pages.
const MOST_STALE: u32 = 5;

/// Pages in a row without rows. Graph sends some where it leaves out what a caller may not see.
const MOST_EMPTY: u32 = 100;

/// Counts the pages that bring nothing new.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    stale: u32,
    empty: u32,
}

impl Progress {
    /// Counts a page with so many rows, at least one of which may be `new`.
    ///
    /// # Errors
    /// [`PagingRefusal::NoProgress`] after too many pages without new rows.
    pub(crate) fn page(&mut self, rows: u64, new: bool) -> Result<(), PagingRefusal> {
        if new {
            *self = Self::default();
        } else if rows == 0 {
            self.empty += 1;
        } else {
            self.stale += 1;
        }
        if self.stale < MOST_STALE && self.empty < MOST_EMPTY {
            Ok(())
        } else {
            Err(PagingRefusal::NoProgress)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_pages_that_bring_nothing_new_are_enough() {
        let mut progress = Progress::default();
        for _ in 0..MOST_STALE - 1 {
            progress.page(9, false).unwrap();
        }
        progress.page(9, true).unwrap();
        for _ in 0..MOST_STALE - 1 {
            progress.page(9, false).unwrap();
            progress.page(0, false).unwrap();
        }
        assert_eq!(progress.page(9, false), Err(PagingRefusal::NoProgress));
    }

    #[test]
    fn empty_pages_may_be_many_more() {
        let mut progress = Progress::default();
        for _ in 0..MOST_EMPTY - 1 {
            progress.page(0, false).unwrap();
        }
        assert_eq!(progress.page(0, false), Err(PagingRefusal::NoProgress));
    }
}
