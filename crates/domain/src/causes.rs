//! An error with everything that caused it, for a log.

use std::error::Error;
use std::fmt;

/// Shows an error and its causes as `error: cause: cause`. Many errors repeat their cause in their
/// own text; a cause with which the text so far ends is not repeated.
pub struct Causes<'a>(pub &'a (dyn Error + 'a));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !said.ends_with(&text) {
                write!(f, ": {text}")?;
                said = text;
            }
            next = cause.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Sample {
        #[error("disk full")]
        Root,
        #[error("cannot write")]
        Plain(#[source] Box<Sample>),
        #[error(transparent)]
        Through(Box<Sample>),
        #[error("cannot save: {0}")]
        Repeating(#[source] Box<Sample>),
    }

    #[test]
    fn every_cause_is_shown_once() {
        let plain = || Box::new(Sample::Plain(Box::new(Sample::Root)));
        for (error, expected) in [
            (Sample::Root, "disk full"),
            (*plain(), "cannot write: disk full"),
            (Sample::Through(plain()), "cannot write: disk full"),
            (
                Sample::Repeating(plain()),
                "cannot save: cannot write: disk full",
            ),
        ] {
            assert_eq!(Causes(&error).to_string(), expected);
        }
    }
}
