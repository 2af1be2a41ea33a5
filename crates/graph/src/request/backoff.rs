//! How long to wait before the next attempt.

use std::time::Duration;

use atlas_domain::clock::Entropy;
use chrono::{DateTime, NaiveDateTime, Utc};

use crate::error::Waits;

/// No wait that this crate computes by itself is longer.
const LONGEST: Duration = Duration::from_secs(60);

/// Longer values are cut to this one, so that adding them to a time cannot overflow. No request may
/// wait that long anyway.
const LONGEST_DEMAND: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads a `Retry-After` value: seconds, seconds with decimals (Graph sends them, RFC 9110 knows
/// only whole ones) or one of the three date forms of RFC 9110 section 5.6.7, counted from `now`.
/// What is none of these is `None`; a moment that has passed is zero.
pub(crate) fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Some(wait) = seconds(text) {
        return Some(wait);
    }
    let moment = NaiveDateTime::parse_from_str(text, "%a, %d %b %Y %H:%M:%S GMT")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%A, %d-%b-%y %H:%M:%S GMT"))
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%a %b %e %H:%M:%S %Y"))
        .ok()?
        .and_utc();
    let wait = moment
        .signed_duration_since(now)
        .to_std()
        .unwrap_or_default();
    Some(wait.min(LONGEST_DEMAND))
}

/// Reads a number of seconds, with or without decimals.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    let plain = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    if text.is_empty() || text.len() > 32 || !text.bytes().all(plain) {
        return None;
    }
    let seconds: f64 = text.parse().ok()?;
    Some(Duration::from_secs_f64(
        seconds.min(LONGEST_DEMAND.as_secs_f64()),
    ))
}

/// The wait after attempt number `attempt` (from 1): doubles each time, and the upper half of it is
/// random, so that callers that failed together do not come back together.
pub(crate) fn exponential(first: Duration, attempt: u32, entropy: &dyn Entropy) -> Duration {
    let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
    let whole = first.saturating_mul(factor).min(LONGEST);
    let mut random = [0_u8; 4];
    entropy.fill(&mut random);
    let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
    whole.mul_f64(0.5 + share / 2.0)
}

/// The waiting time that one request may use, and the attempts that it used.
#[derive(Debug)]
pub(crate) struct Patience {
    pub(crate) attempts: u32,
    waited: Duration,
    max_wait: Duration,
}

impl Patience {
    pub(crate) const fn new(max_wait: Duration) -> Self {
        Self {
            attempts: 0,
            waited: Duration::ZERO,
            max_wait,
        }
    }

    /// What was used so far.
    pub(crate) const fn waits(&self) -> Waits {
        Waits {
            attempts: self.attempts,
            waited: self.waited,
            limit: self.max_wait,
        }
    }

    /// Counts time that was spent on an answer that did not come.
    pub(crate) fn waited_for(&mut self, time: Duration) {
        self.waited = self.waited.saturating_add(time);
    }

    /// Counts the attempts anew: some of what was asked for has come. The waiting time stays used.
    pub(crate) const fn progressed(&mut self) {
        self.attempts = 0;
    }

    /// Takes `wait` from the waiting time, if that much is left.
    #[must_use]
    pub(crate) fn spend(&mut self, wait: Duration) -> bool {
        let after = self.waited.saturating_add(wait);
        if after > self.max_wait {
            return false;
        }
        self.waited = after;
        true
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use proptest::prelude::*;

    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(1994, 11, 6, 8, 49, 30).unwrap()
    }

    #[test]
    fn retry_after_is_read_in_every_form_that_occurs() {
        for (text, millis) in [
            ("0", 0),
            ("1", 1_000),
            (" 120 ", 120_000),
            ("2.128", 2_128),
            (".5", 500),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 7_000),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 7_000),
            ("Sun Nov  6 08:49:37 1994", 7_000),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
            ("999999999999999999999", 86_400_000),
        ] {
            let read = retry_after(text, now());
            assert_eq!(read, Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "-1", "soon", "1e9", "NaN", "inf", "1.2.3", ".", "+5"] {
            assert_eq!(retry_after(text, now()), None, "{text}");
        }
    }

    #[test]
    fn waits_double_up_to_a_limit_and_half_of_them_is_random() {
        let first = Duration::from_secs(2);
        assert_eq!(exponential(first, 1, &Fixed(0)), Duration::from_secs(1));
        assert_eq!(exponential(first, 1, &Fixed(255)), Duration::from_secs(2));
        assert_eq!(exponential(first, 3, &Fixed(255)), Duration::from_secs(8));
        assert_eq!(exponential(first, 60, &Fixed(255)), LONGEST);
    }

    #[test]
    fn patience_ends_by_time_waited_and_by_time_without_an_answer() {
        let mut patience = Patience::new(Duration::from_secs(10));
        assert!(patience.spend(Duration::from_secs(6)));
        assert!(!patience.spend(Duration::from_secs(6)));
        assert!(patience.spend(Duration::from_secs(3)));
        patience.waited_for(Duration::from_secs(5));
        assert!(!patience.spend(Duration::ZERO));
        assert_eq!(patience.waits().waited, Duration::from_secs(14));
    }

    proptest! {
        #[test]
        fn no_header_makes_the_reader_panic(text in "\\PC*") {
            if let Some(wait) = retry_after(&text, now()) {
                prop_assert!(wait <= LONGEST_DEMAND);
            }
        }
    }
}
