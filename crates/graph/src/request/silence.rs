//! How long a service of a tenant has answered nothing that could be used.
//!
//! A request waits only so long, but many requests that wait one after the other would wait that
//! long each. While a service gives no usable answer to anybody, their waits count together.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::request::pacer::{Bucket, Charge};

/// A stretch of time in which a service gave no usable answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    since: Instant,
    last: Instant,
}

impl Stretch {
    pub(crate) const fn begin(now: Instant) -> Self {
        Self {
            since: now,
            last: now,
        }
    }

    /// Counts a failure at `now`, and returns whether the stretch is longer than `limit`. Time in
    /// which nothing was asked is no silence: after a gap that long, another stretch begins.
    pub(crate) fn exceeds(&mut self, limit: Duration, now: Instant) -> bool {
        if now - self.last > limit {
            *self = Self::begin(now);
        }
        self.last = now;
        now - self.since > limit
    }
}

/// The silence of each service. Shared by all requests of one view of a tenant.
#[derive(Debug, Default)]
pub(crate) struct Silence(Mutex<HashMap<Bucket, Stretch>>);

impl Silence {
    /// The services answered.
    pub(crate) fn ended(&self, charges: &[Charge]) {
        let mut stretches = self.lock();
        for charge in charges {
            stretches.remove(&charge.bucket);
        }
    }

    /// The services gave no usable answer. Returns whether that has been so for longer than `limit`,
    /// with all of them.
    pub(crate) fn exceeds(&self, charges: &[Charge], limit: Duration) -> bool {
        let now = Instant::now();
        let mut stretches = self.lock();
        let mut all = !charges.is_empty();
        for charge in charges {
            let stretch = stretches.entry(charge.bucket);
            all &= stretch.or_insert(Stretch::begin(now)).exceeds(limit, now);
        }
        all
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Bucket, Stretch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_begins_with_the_first_failure_and_ends_with_an_answer() {
        let silence = Silence::default();
        let intune = [Charge::of_sub_request("/deviceManagement/intents")];
        let entra = [Charge::of_sub_request("/policies/authorizationPolicy")];
        let both = [intune[0], entra[0]];
        let limit = Duration::from_secs(10);
        let step = Duration::from_secs(6);
        assert!(!silence.exceeds(&intune, limit));
        tokio::time::advance(step).await;
        assert!(!silence.exceeds(&intune, limit) && !silence.exceeds(&entra, limit));
        tokio::time::advance(step).await;
        assert!(silence.exceeds(&intune, limit));
        assert!(!silence.exceeds(&entra, limit) && !silence.exceeds(&both, limit));
        silence.ended(&intune);
        assert!(!silence.exceeds(&intune, limit));
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nothing_was_asked_is_no_silence() {
        let silence = Silence::default();
        let intune = [Charge::of_sub_request("/deviceManagement/intents")];
        let limit = Duration::from_secs(10);
        assert!(!silence.exceeds(&intune, limit));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert!(!silence.exceeds(&intune, limit));
    }
}
