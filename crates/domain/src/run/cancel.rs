//! Stopping a run on request: how long its worker has, and what the requester may say.

use std::time::Duration;

use crate::selection::FieldError;

/// How long the worker of a running run has to honour a request to stop. Its next heartbeat brings
/// the request back, so a live worker needs a fraction of this; afterwards a sweep ends the run.
pub const CANCEL_GRACE: Duration = Duration::from_secs(30);

/// The longest reason, in characters.
pub const MAX_REASON: usize = 500;

/// Why somebody cancels, in their own words: 1 to [`MAX_REASON`] characters, no NUL, which
/// PostgreSQL cannot hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelReason(String);

impl CancelReason {
    /// Reads a reason; blanks around it do not count, and one without anything else is none.
    ///
    /// # Errors
    /// [`FieldError`] at `/reason` when it is too long or holds a NUL.
    pub fn parse(text: &str) -> Result<Option<Self>, FieldError> {
        let refuse = |code, detail: String| FieldError {
            pointer: "/reason".to_owned(),
            code,
            detail,
        };
        if text.chars().count() > MAX_REASON {
            let detail = format!("At most {MAX_REASON} characters.");
            return Err(refuse("too_long", detail));
        }
        if text.contains('\0') {
            let detail = "Must not hold the character U+0000.".to_owned();
            return Err(refuse("invalid_value", detail));
        }
        let text = text.trim();
        Ok((!text.is_empty()).then(|| Self(text.to_owned())))
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_counted_in_characters_and_blanks_are_none() {
        let longest = "ü".repeat(MAX_REASON);
        let read = CancelReason::parse(&longest).unwrap().unwrap();
        assert_eq!(read.as_str(), longest);
        assert_eq!(CancelReason::parse(" \n").unwrap(), None);
        let refused = |text: &str| CancelReason::parse(text).unwrap_err().code;
        assert_eq!(refused(&"a".repeat(MAX_REASON + 1)), "too_long");
        assert_eq!(refused("a\0b"), "invalid_value");
    }
}
