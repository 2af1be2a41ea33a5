//! Whether a list had better carry its objects' settings.
//!
//! In some tenants a page of a thousand policies comes with all their settings, and in others such a
//! page holds one or two. Pages are read one after the other, while a batch reads the settings of
//! twenty policies, so that short pages cost more than they save.

use crate::error::{GraphError, GraphErrorKind};

/// Pages that are looked at.
const PAGES: u32 = 2;

/// A page that has fewer rows, and a link to the next, is short.
pub(super) const SHORT: u64 = 5;

/// What was seen of the pages with settings.
#[derive(Debug, Default)]
pub(super) struct Expansion {
    pages: u32,
    rows: u64,
}

impl Expansion {
    /// Takes up a page with so many rows that is not the last one. Returns whether the list is to be
    /// begun again without settings.
    pub(super) fn shrinks_pages(&mut self, rows: u64) -> bool {
        if rows == 0 {
            return false;
        }
        self.pages += 1;
        self.rows += rows;
        self.pages == PAGES && self.rows < SHORT * u64::from(PAGES)
    }

    /// Whether the service does not carry settings in this list, as far as the error shows it.
    pub(super) const fn is_refused(error: &GraphError) -> bool {
        match error.kind {
            GraphErrorKind::Rejected { .. } => true,
            GraphErrorKind::Unavailable { status, .. } => status == 500 || status == 501,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_short_pages_are_enough_and_one_is_not() {
        for (rows, short) in [
            ([2, 1], true),
            ([4, 5], true),
            ([2, 100], false),
            ([5, 5], false),
        ] {
            let mut expansion = Expansion::default();
            assert!(!expansion.shrinks_pages(0) && !expansion.shrinks_pages(rows[0]));
            assert_eq!(expansion.shrinks_pages(rows[1]), short, "{rows:?}");
            assert!(!expansion.shrinks_pages(1));
        }
    }
}
