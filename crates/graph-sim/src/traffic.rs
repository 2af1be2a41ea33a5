//! How a client behaved: what it asked of which service, how close to the limits it came, and
//! whether it waited when it was asked to.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::limits::Charge;
use crate::service::Service;

/// A request that was on its way when another one of the service was refused is not early. This
/// long may it have been on its way.
const ON_ITS_WAY: Duration = Duration::from_millis(150);

/// What a tenant's clients asked of one service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceTraffic {
    /// All requests, also those in batches.
    pub requests: u64,
    /// Resource units, where the service counts in them.
    pub units: f64,
    /// What the published limit allows one application in `window_seconds`, in units where the
    /// service counts in them, else in requests.
    pub allowance: Option<f64>,
    /// The sliding window of the published limit.
    pub window_seconds: f64,
    /// Requests that were answered 429.
    pub refused: u64,
    /// Requests that were over the published limits, whether or not those are kept.
    pub over_limit: u64,
    /// The largest share of a published limit that was in use; 1 is all of it.
    pub peak_share: f64,
    /// Requests that came again before their own `Retry-After` was over.
    pub early_retries: u64,
    /// Other requests that came before a `Retry-After` of the same service was over, and that can
    /// not have been on their way when it was asked to wait.
    pub early_others: u64,
}

/// What a tenant's clients asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traffic {
    /// Requests over HTTP to Graph: a batch is one.
    pub round_trips: u64,
    /// Batches among them.
    pub batches: u64,
    /// The most requests over HTTP, to Graph and for tokens, that were underway at one time.
    pub peak_concurrency: usize,
    /// By service.
    pub services: BTreeMap<String, ServiceTraffic>,
}

impl Traffic {
    /// A number added up over all services.
    #[must_use]
    pub fn total(&self, of: impl Fn(&ServiceTraffic) -> u64) -> u64 {
        self.services.values().map(of).sum()
    }
}

/// Until when somebody was asked to wait.
#[derive(Debug, Clone, Copy)]
struct RequestedWait {
    at: Instant,
    until: Instant,
}

#[derive(Debug, Default)]
struct Tenant {
    traffic: Traffic,
    services: HashMap<Service, RequestedWait>,
    requests: HashMap<String, RequestedWait>,
}

/// A request, as far as it can come again.
#[derive(Debug)]
pub(crate) struct Tally {
    tenant: String,
    service: Service,
    request: String,
}

#[derive(Debug, Default)]
pub(crate) struct Tallies(Mutex<HashMap<String, Tenant>>);

impl Tallies {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Tenant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request over HTTP.
    pub(crate) fn round_trip(&self, tenant: &str, batch: bool) {
        let mut tenants = self.lock();
        let traffic = &mut tenants.entry(tenant.to_owned()).or_default().traffic;
        traffic.round_trips += 1;
        traffic.batches += u64::from(batch);
    }

    /// Counts a request as it comes in.
    pub(crate) fn arrived(
        &self,
        tenant: &str,
        request: String,
        charge: &Charge,
        now: Instant,
    ) -> Tally {
        let mut tenants = self.lock();
        let of = tenants.entry(tenant.to_owned()).or_default();
        let name = charge.service.0.to_owned();
        let count = of.traffic.services.entry(name).or_default();
        count.requests += 1;
        count.units += charge.units.unwrap_or(0.0);
        count.allowance = charge.allowance;
        count.window_seconds = charge.window.as_secs_f64();
        count.over_limit += u64::from(charge.over);
        count.peak_share = count.peak_share.max(charge.share);
        let own = of.requests.remove(&request);
        if own.is_some_and(|wait| now < wait.until) {
            count.early_retries += 1;
        } else if let Some(wait) = of.services.get(&charge.service)
            && now < wait.until
            && now.duration_since(wait.at) > ON_ITS_WAY
        {
            count.early_others += 1;
        }
        Tally {
            tenant: tenant.to_owned(),
            service: charge.service,
            request,
        }
    }

    /// Notes what it was answered.
    pub(crate) fn answered(&self, tally: Tally, status: u16, wait: Option<Duration>, now: Instant) {
        let mut tenants = self.lock();
        let of = tenants.entry(tally.tenant).or_default();
        if status == 429 {
            let name = tally.service.0.to_owned();
            of.traffic.services.entry(name).or_default().refused += 1;
        }
        if let Some(wait) = wait {
            let wait = RequestedWait {
                at: now,
                until: now + wait,
            };
            of.requests.insert(tally.request, wait);
            // One service down is no reason to leave the others alone; one request that is
            // refused as too much is a reason for all of its service.
            if status == 429 {
                let longest = of.services.entry(tally.service).or_insert(wait);
                if longest.until < wait.until {
                    *longest = wait;
                }
            }
        }
    }

    pub(crate) fn of(&self, tenant: &str) -> Traffic {
        let tenants = self.lock();
        tenants
            .get(tenant)
            .map_or_else(Traffic::default, |one| one.traffic.clone())
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code ends at the first surprise")]

    use super::*;

    fn charge() -> Charge {
        Charge {
            service: Service("applications"),
            units: None,
            share: 0.25,
            allowance: Some(1_000.0),
            window: Duration::from_secs(20),
            over: false,
            refused: None,
        }
    }

    #[test]
    fn who_comes_back_before_the_wait_is_over_is_counted() {
        let tallies = Tallies::default();
        let start = Instant::now();
        let ask = |request: &str, after: u64| {
            let now = start + Duration::from_millis(after);
            tallies.arrived("t", request.to_owned(), &charge(), now)
        };
        let first = ask("/a", 0);
        tallies.answered(first, 429, Some(Duration::from_secs(1)), start);
        ask("/b", 100);
        ask("/c", 500);
        ask("/a", 900);
        ask("/b", 1_000);
        let traffic = tallies.of("t");
        let count = &traffic.services["applications"];
        assert_eq!((count.early_retries, count.early_others), (1, 1));
        assert_eq!((count.requests, count.refused), (5, 1));
        assert_eq!(traffic.total(|one| one.requests), 5);
        tallies.clear();
        assert_eq!(tallies.of("t"), Traffic::default());
    }

    #[test]
    fn a_busy_request_does_not_stop_its_service() {
        let tallies = Tallies::default();
        let start = Instant::now();
        let first = tallies.arrived("t", "/a".to_owned(), &charge(), start);
        tallies.answered(first, 503, Some(Duration::from_secs(9)), start);
        let later = start + Duration::from_secs(1);
        tallies.arrived("t", "/b".to_owned(), &charge(), later);
        tallies.arrived("t", "/a".to_owned(), &charge(), later);
        let count = tallies.of("t").services["applications"].clone();
        assert_eq!((count.early_retries, count.early_others), (1, 0));
    }
}
