//! How much text the columns with an index hold, in bytes of UTF-8.
//!
//! PostgreSQL stores at most 2,704 bytes in one row of a btree index, all of the index's columns
//! together ("B-Tree Indexes", section "Implementation": a third of a page), and refuses a longer
//! one with its whole statement. The other columns of these indexes (ids of 16 bytes, words of the
//! registry) and the row's own header need less than 200 bytes.

/// The longest name of an inventory item. A longer one is shortened; the content has the whole.
pub const LONGEST_NAME: usize = 2_000;

/// The longest name that groups are found by. A longer one is shortened; the name itself is whole.
pub const LONGEST_NAME_KEY: usize = 2_000;

/// The longest id of an inventory item. Ids are not shortened: two could become one.
pub const LONGEST_EXTERNAL_ID: usize = 500;

/// The longest id of a link's target. Ids are not shortened.
pub const LONGEST_LINK_TARGET: usize = 1_000;

/// The beginning of the text, of at most `longest` bytes and whole characters.
#[must_use]
pub fn shortened(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shortened_between_characters() {
        for (text, longest, expected) in [
            ("", 0, ""),
            ("abc", 3, "abc"),
            ("abc", 2, "ab"),
            ("ééé", 5, "éé"),
            ("策略", 5, "策"),
            ("策略", 6, "策略"),
            ("a🦀", 4, "a"),
            ("🦀", 3, ""),
        ] {
            assert_eq!(shortened(text, longest), expected, "{text} at {longest}");
        }
    }
}
