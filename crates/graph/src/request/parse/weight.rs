//! How much memory JSON takes once it is read.
//!
//! A body of many small values needs a hundred times its bytes as a tree. What would take too much is
//! not read, and what takes much is read by one thread at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most that the tree of one row may take, in bytes. Rows are some kilobytes; the largest that are
/// known have a megabyte of settings, or a file of several megabytes as one text.
const HEAVIEST: usize = 24 * 1024 * 1024;

/// A row that takes more is read alone.
const HEAVY: usize = 1024 * 1024;

/// A text that is shorter takes less than [`HEAVY`] whatever it holds, and is not looked through.
const LIGHT: usize = HEAVY / (OBJECT / SHORTEST_OBJECT);

/// `{"a":0},`
const SHORTEST_OBJECT: usize = 8;

// What each value takes, of the size that serde_json's values have with their order preserved: tables
// and lists have room for more than they hold.
const OBJECT: usize = 480;
const LIST: usize = 320;
const MEMBER: usize = 220;
const ELEMENT: usize = 150;

/// Held while something heavy is read.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A text would take too much memory.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooHeavy;

/// Lets a text be read whose tree is not too large. What is returned is kept for as long as the tree
/// exists.
pub(super) fn admit(text: &[u8]) -> Result<Option<MutexGuard<'static, ()>>, TooHeavy> {
    if text.len() < LIGHT {
        return Ok(None);
    }
    match weight(text) {
        0..HEAVY => Ok(None),
        HEAVY..=HEAVIEST => Ok(Some(
            ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner),
        )),
        _ => Err(TooHeavy),
    }
}

/// About how many bytes the tree of `text` takes.
fn weight(text: &[u8]) -> usize {
    let mut weight = text.len();
    let (mut quoted, mut escaped) = (false, false);
    for byte in text {
        if quoted {
            quoted = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
            continue;
        }
        weight += match byte {
            b'"' => {
                quoted = true;
                0
            }
            b'{' => OBJECT,
            b'[' => LIST,
            b':' => MEMBER,
            b',' => ELEMENT,
            _ => 0,
        };
    }
    weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_within_texts_weigh_nothing_more() {
        let text = br#"{"a\\": "[[[,,,:::{{{\"[[["}"#;
        assert_eq!(weight(text), text.len() + OBJECT + MEMBER);
    }

    #[test]
    fn a_file_as_text_is_admitted_and_as_many_bytes_of_small_values_are_not() {
        let file = format!("{{\"a\": \"{}\"}}", "x".repeat(12 * 1024 * 1024));
        assert!(admit(file.as_bytes()).unwrap().is_some());
        for small in ["[0],", "{\"a\":0},", "0,"] {
            let many = format!("[{}0]", small.repeat(1024 * 1024 / small.len()));
            assert_eq!(admit(many.as_bytes()).err(), Some(TooHeavy), "{small}");
        }
        assert!(admit(b"{}").unwrap().is_none());
    }
}
