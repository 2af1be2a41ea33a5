//! When a delivery is tried again, and when its endpoint is disabled.
//!
//! Deliveries to an endpoint are in order, so that those that follow wait for the one that fails. Waits
//! therefore grow to an hour only: that is how long it takes at most until a receiver that works
//! again gets what it missed.

use std::time::Duration;

use atlas_domain::clock::Entropy;
use chrono::{DateTime, TimeDelta, Utc};

use crate::attempt::Outcome;

/// How long an endpoint may fail before it is disabled: three days.
pub const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(3);

/// No `Retry-After` is observed for longer: a day.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Wait after the first failure; doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(5);

/// No wait that the receiver did not ask for is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// What to do after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The delivery is done.
    Done,
    /// Try again, not before this moment.
    RetryAt(DateTime<Utc>),
    /// Disable the endpoint and notify its owner.
    Disable(DisableReason),
}

/// Why an endpoint is disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DisableReason {
    /// The receiver answered with status 410.
    Gone,
    /// Every attempt has failed for [`GIVE_UP_AFTER`].
    Failing,
}

/// A delivery's failures so far, the one that has just happened included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// The first attempt that failed with no success after it.
    pub since: DateTime<Utc>,
    /// How many attempts there were, at least 1.
    pub attempts: u32,
}

/// What to do after an attempt that ended at the moment `ended_at`. The waits double from five seconds
/// to an hour, and half of each is random, so that receivers which failed together are not asked
/// together. A receiver's `Retry-After` is kept up to [`LONGEST_RETRY_AFTER`]. When the next attempt
/// would be later than [`GIVE_UP_AFTER`], there is none.
#[must_use]
pub fn next(
    outcome: &Outcome,
    failures: Failures,
    ended_at: DateTime<Utc>,
    entropy: &dyn Entropy,
) -> Next {
    match outcome {
        Outcome::Delivered(_) => return Next::Done,
        Outcome::Gone(_) => return Next::Disable(DisableReason::Gone),
        Outcome::RateLimited(_) | Outcome::Refused(_) | Outcome::NoAnswer(_) => {}
    }
    let asked = outcome.answer().and_then(|answer| answer.retry_after);
    let asked = asked.unwrap_or_default().min(LONGEST_RETRY_AFTER);
    let at = ended_at + wait(failures.attempts, entropy).max(asked);
    if at > failures.since + GIVE_UP_AFTER {
        Next::Disable(DisableReason::Failing)
    } else {
        Next::RetryAt(at)
    }
}

/// The wait after this many failures.
fn wait(attempts: u32, entropy: &dyn Entropy) -> Duration {
    let factor = 2_u32.saturating_pow(attempts.saturating_sub(1));
    let whole = FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT);
    let mut random = [0_u8; 4];
    entropy.fill(&mut random);
    let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
    whole.mul_f64(0.5 + share / 2.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::attempt::{Answer, NoAnswer, NoAnswerCause};

    struct Fixed(u32);

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0.to_le_bytes());
        }
    }

    fn answered(status: u16, retry_after: Option<u64>) -> Outcome {
        Outcome::from(Answer {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            excerpt: String::new(),
        })
    }

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn after(seconds: i64) -> DateTime<Utc> {
        start() + TimeDelta::seconds(seconds)
    }

    fn failures(attempts: u32) -> Failures {
        Failures {
            since: start(),
            attempts,
        }
    }

    fn next_after(outcome: &Outcome, attempts: u32, seconds: i64) -> Next {
        next(
            outcome,
            failures(attempts),
            after(seconds),
            &Fixed(u32::MAX),
        )
    }

    #[test]
    fn a_delivery_ends_with_any_success_and_its_endpoint_with_410() {
        for status in [200, 204, 299] {
            assert_eq!(next_after(&answered(status, None), 1, 0), Next::Done);
        }
        let gone = next_after(&answered(410, Some(5)), 1, 0);
        assert_eq!(gone, Next::Disable(DisableReason::Gone));
    }

    #[test]
    fn whatever_else_happens_is_tried_again_after_waits_that_double() {
        let no_answer = Outcome::NoAnswer(NoAnswer {
            cause: NoAnswerCause::AnswerTimedOut,
            detail: String::new(),
        });
        let refusals = [301, 400, 404, 429, 500].map(|status| answered(status, None));
        for outcome in refusals.iter().chain([&no_answer]) {
            for (attempts, seconds) in [(1, 5), (2, 10), (3, 20), (10, 2_560), (11, 3_600)] {
                let next = next_after(outcome, attempts, 7);
                assert_eq!(next, Next::RetryAt(after(7 + seconds)), "{outcome}");
            }
            assert_eq!(
                next_after(outcome, u32::MAX, 0),
                Next::RetryAt(after(3_600))
            );
        }
        let shortest = next(&no_answer, failures(2), start(), &Fixed(0));
        assert_eq!(shortest, Next::RetryAt(after(5)));
    }

    #[test]
    fn a_receiver_is_left_alone_for_as_long_as_it_asks_but_not_for_more_than_a_day() {
        for status in [429, 503] {
            for (asked, seconds) in [(0, 5), (600, 600), (86_400, 86_400), (u64::MAX, 86_400)] {
                let next = next_after(&answered(status, Some(asked)), 1, 0);
                assert_eq!(next, Next::RetryAt(after(seconds)), "{status} {asked}");
            }
        }
    }

    #[test]
    fn after_three_days_of_failures_the_endpoint_is_disabled() {
        let three_days = GIVE_UP_AFTER.num_seconds();
        let error = answered(500, None);
        let last = next_after(&error, 90, three_days - 3_600);
        assert_eq!(last, Next::RetryAt(after(three_days)));
        let none = next_after(&error, 90, three_days - 3_599);
        assert_eq!(none, Next::Disable(DisableReason::Failing));
    }

    proptest! {
        #[test]
        fn failures_are_repeated_over_three_days_and_in_numbers_that_a_receiver_can_bear(
            randoms in proptest::collection::vec(any::<u32>(), 16),
        ) {
            let (mut now, mut attempts) = (start(), 1);
            let error = answered(500, None);
            while let Next::RetryAt(at) = next(
                &error,
                failures(attempts),
                now,
                &Fixed(randoms[attempts as usize % randoms.len()]),
            ) {
                prop_assert!(at > now);
                (now, attempts) = (at, attempts + 1);
            }
            let lasted = now - start();
            prop_assert!(lasted <= GIVE_UP_AFTER);
            prop_assert!(lasted > GIVE_UP_AFTER - TimeDelta::hours(1), "{lasted}");
            prop_assert!((80..=160).contains(&attempts), "{attempts}");
        }

        #[test]
        fn no_attempt_is_before_the_receiver_asked_and_none_after_three_days(
            status in 100_u16..600,
            retry_after in proptest::option::of(any::<u64>()),
            attempts in any::<u32>(),
            seconds in -1_000_i64..400_000,
            random in any::<u32>(),
        ) {
            let outcome = answered(status, retry_after);
            let ended_at = after(seconds);
            let asked = Duration::from_secs(retry_after.unwrap_or(0)).min(LONGEST_RETRY_AFTER);
            match next(&outcome, failures(attempts), ended_at, &Fixed(random)) {
                Next::Done => prop_assert!((200..300).contains(&status)),
                Next::RetryAt(at) => {
                    prop_assert!(at >= ended_at + asked);
                    prop_assert!(at >= ended_at + FIRST_WAIT / 2);
                    prop_assert!(at <= start() + GIVE_UP_AFTER);
                }
                Next::Disable(DisableReason::Gone) => prop_assert_eq!(status, 410),
                Next::Disable(DisableReason::Failing) => {
                    let longest = asked.max(LONGEST_WAIT);
                    prop_assert!(ended_at + longest > start() + GIVE_UP_AFTER);
                }
            }
        }
    }
}
