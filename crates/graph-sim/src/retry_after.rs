//! How an answer says when to come back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How an answer says when to come back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// Not at all.
    #[default]
    Absent,
    /// Whole seconds.
    Seconds(u32),
    /// Seconds with three decimals, which Graph has been seen to send.
    Decimal(f64),
    /// A date so many seconds from now, in the form of RFC 9110.
    HttpDate(u32),
    /// Whole seconds, not in a header but as `RetryAfter` in the JSON that the message of the
    /// error is. Only in answers with status 429 and in nested server errors.
    InMessage(u32),
}

impl RetryAfter {
    /// How long a caller who understands it waits at least.
    pub(crate) fn length(self) -> Option<Duration> {
        let seconds = |seconds: u32| Some(Duration::from_secs(u64::from(seconds)));
        match self {
            Self::Absent => None,
            Self::Seconds(wait) | Self::InMessage(wait) => seconds(wait),
            Self::Decimal(wait) => Duration::try_from_secs_f64(wait).ok(),
            // A date has no fractions.
            Self::HttpDate(wait) => seconds(wait.saturating_sub(1)),
        }
    }
}
