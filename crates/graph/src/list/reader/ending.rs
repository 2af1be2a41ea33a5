//! Whether a list ended where its last page says so.

use super::ListReader;
use crate::collections::Shape;

/// How often a list that ended with a full page is read again to find out whether it ended. Once is
/// enough where the service pages; the second time is for a list that grew in between.
const MOST_CHECKS: u32 = 2;

impl ListReader {
    /// Checks whether the last page, which has `rows` rows, is the end of the list. Conditional Access
    /// has been seen to fill a page of the requested size and to send no link, though there was more.
    /// Pages of another size show it: either the list goes on behind the first of them, or it ends
    /// with one that is not full. Returns whether the list changed since it was begun again.
    pub(super) fn check_end(&mut self, rows: u64) -> bool {
        let collection = self.plan.collection();
        let size = self.strategy.size(collection).map(u64::from);
        let size = size.filter(|_| collection.shape() == Shape::List);
        // More than were asked for: the size is the service's own, and that page may be full.
        let larger = self.checks > 0 && size.is_some_and(|size| rows > size);
        if size != Some(rows) && !larger {
            return !self.given.is_within(&self.round.ids);
        }
        let less = self.strategy.one_less(collection);
        match less.filter(|_| self.checks < MOST_CHECKS && !larger) {
            Some(less) => {
                self.checks += 1;
                self.whole = self.round.findings();
                self.begin_again(less, "its last page is full");
            }
            None => self.give_up_checking(),
        }
        false
    }

    pub(super) fn give_up_checking(&mut self) {
        self.may_be_cut = true;
        self.refused = None;
        self.steps.clear();
    }
}
