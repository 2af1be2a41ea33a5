//! Limits on how often a tenant may be asked.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::faults::PathMatch;

/// So many requests in so much time, per tenant. Requests that were refused count too, as with the
/// real service: who does not wait is not let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// The paths that share the limit.
    pub path: PathMatch,
    /// How many requests.
    pub requests: usize,
    /// The time, in milliseconds, sliding.
    pub window_ms: u64,
    /// Whether a refusal says when to come back. Conditional access does not.
    #[serde(default = "yes")]
    pub reports_wait: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Default)]
struct Inner {
    limits: Vec<Throttle>,
    /// Arrivals by limit and tenant.
    arrivals: HashMap<(usize, String), VecDeque<Instant>>,
}

#[derive(Debug, Default)]
pub(crate) struct Throttles(Mutex<Inner>);

impl Throttles {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, limits: Vec<Throttle>) {
        let mut inner = self.lock();
        inner.limits = limits;
        inner.arrivals.clear();
    }

    /// Counts a request. When it is over a limit: `Some`, with the wait if the limit shows it.
    pub(crate) fn refuse(
        &self,
        path: &str,
        tenant: &str,
        now: Instant,
    ) -> Option<Option<Duration>> {
        let mut refusal = None;
        let mut inner = self.lock();
        let Inner { limits, arrivals } = &mut *inner;
        for (index, limit) in limits.iter().enumerate() {
            if !limit.path.matches(path) {
                continue;
            }
            let window = Duration::from_millis(limit.window_ms);
            let seen = arrivals.entry((index, tenant.to_owned())).or_default();
            while seen
                .front()
                .is_some_and(|arrival| now.duration_since(*arrival) >= window)
            {
                seen.pop_front();
            }
            seen.push_back(now);
            if seen.len() > limit.requests {
                // It is let in when at most `requests - 1` before it are in the window.
                let blocking = seen.len() - limit.requests;
                let wait = seen
                    .get(blocking)
                    .map(|arrival| window.saturating_sub(now.duration_since(*arrival)));
                refusal = Some(if limit.reports_wait {
                    wait.or(Some(window))
                } else {
                    None
                });
            }
        }
        refusal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_back_after_the_wait_is_let_in_and_who_does_not_is_not() {
        let throttles = Throttles::default();
        throttles.set(vec![Throttle {
            path: PathMatch::prefix("/beta"),
            requests: 2,
            window_ms: 1_000,
            reports_wait: true,
        }]);
        let start = Instant::now();
        let ask =
            |after: u64| throttles.refuse("/beta/x", "t", start + Duration::from_millis(after));
        assert_eq!(ask(0), None);
        assert_eq!(ask(100), None);
        let wait = ask(200).flatten();
        assert_eq!(wait, Some(Duration::from_millis(900)));
        assert!(ask(300).is_some(), "too early");
        assert_eq!(
            ask(200 + 1_200),
            None,
            "after both refusals left the window"
        );
        assert_eq!(throttles.refuse("/beta/x", "other", start), None);
    }
}
