//! How long a service of a tenant has answered nothing that could be used.
//!
//! A request waits only so long, but many requests that wait one after the other would wait that
//! long each. While a service gives no usable answer to anybody, their waits count together.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::pacer::{Bucket, Charge};

/// Since when each service has been silent. Shared by all requests of one view of a tenant.
#[derive(Debug, Default)]
pub(crate) struct Silence(Mutex<HashMap<Bucket, Instant>>);

impl Silence {
    /// The services answered.
    pub(crate) fn ended(&self, charges: &[Charge]) {
        let mut since = self.lock();
        for charge in charges {
            since.remove(&charge.bucket);
        }
    }

    /// The services gave no usable answer. Returns for how long that has been so, of the one that
    /// has been silent for the shortest time.
    pub(crate) fn lasts(&self, charges: &[Charge]) -> Duration {
        let now = Instant::now();
        let mut since = self.lock();
        let begins = charges
            .iter()
            .map(|charge| *since.entry(charge.bucket).or_insert(now));
        begins.max().map_or(Duration::ZERO, |latest| now - latest)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Bucket, Instant>> {
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
        let wait = Duration::from_secs(7);
        assert_eq!(silence.lasts(&intune), Duration::ZERO);
        tokio::time::advance(wait).await;
        assert_eq!(silence.lasts(&intune), wait);
        assert_eq!(silence.lasts(&entra), Duration::ZERO);
        silence.ended(&intune);
        assert_eq!(silence.lasts(&intune), Duration::ZERO);
        tokio::time::advance(wait).await;
        assert_eq!(silence.lasts(&entra), wait);
    }
}
