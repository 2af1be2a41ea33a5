//! How many requests a caller may make, as the headers of draft-ietf-httpapi-ratelimit-headers-11
//! report it. Each process counts for itself.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use atlas_domain::clock::Entropy;
use atlas_domain::ids::UserId;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

/// Addresses that fail to authenticate share this many counters, so that a flood of addresses
/// cannot fill the memory. Users need no such limit: there are as many as the database has.
const ADDRESS_BUCKETS: u64 = 4096;
/// From this many counters on, those that are full again are forgotten.
const FORGET_FROM: usize = 10_000;
/// The window of the quota, in seconds.
const WINDOW: u64 = 60;

/// Whom a counter belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Caller {
    User(UserId),
    Address(u64),
    LookUps(u64),
}

/// What is left of a caller's quota.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remaining(u32);

/// Nothing is left for this long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exceeded {
    /// Seconds, at least one.
    pub(crate) retry_after: u64,
}

/// One counter per caller.
pub(crate) struct RateLimits {
    limiter: RateLimiter<
        Caller,
        DefaultKeyedStateStore<Caller>,
        DefaultClock,
        StateInformationMiddleware,
    >,
    per_minute: NonZeroU32,
    /// Which addresses share a counter is known to this process alone: nobody finds an address that
    /// fills the counter of another one.
    key: [u8; 32],
}

impl RateLimits {
    /// So many requests per minute and caller, all at once if they like.
    pub(crate) fn new(per_minute: NonZeroU32, entropy: &dyn Entropy) -> Self {
        let mut key = [0; 32];
        entropy.fill(&mut key);
        Self {
            key,
            limiter: RateLimiter::keyed(Quota::per_minute(per_minute))
                .with_middleware::<StateInformationMiddleware>(),
            per_minute,
        }
    }

    /// Counts a request of a user.
    pub(crate) fn count_user(&self, user: UserId) -> Result<Remaining, Exceeded> {
        self.count(Caller::User(user))
    }

    /// Counts a request that did not prove who makes it.
    pub(crate) fn count_stranger(&self, address: Option<IpAddr>) -> Result<Remaining, Exceeded> {
        self.count(Caller::Address(self.bucket(address)))
    }

    /// Counts a request with a token of which nothing is known yet, before the database is asked
    /// for it. Apart from other strangers, so that they do not keep new users of their address out.
    pub(crate) fn count_look_up(&self, address: Option<IpAddr>) -> Result<Remaining, Exceeded> {
        self.count(Caller::LookUps(self.bucket(address)))
    }

    fn count(&self, caller: Caller) -> Result<Remaining, Exceeded> {
        if self.limiter.len() > FORGET_FROM {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key(&caller) {
            Ok(state) => Ok(Remaining(state.remaining_burst_capacity())),
            Err(refused) => {
                let wait = refused.wait_time_from(DefaultClock::default().now());
                Err(Exceeded {
                    retry_after: whole_seconds(wait),
                })
            }
        }
    }

    fn bucket(&self, address: Option<IpAddr>) -> u64 {
        let mut hash = DefaultHasher::new();
        self.key.hash(&mut hash);
        match address {
            // The holder of an IPv6 network has all addresses of its first 64 bits.
            Some(IpAddr::V6(address)) => address.segments()[..4].hash(&mut hash),
            other => other.hash(&mut hash),
        }
        hash.finish() % ADDRESS_BUCKETS
    }

    /// The quota of somebody who was not counted.
    pub(crate) const fn untouched(&self) -> Remaining {
        Remaining(self.per_minute.get())
    }

    /// The value of `RateLimit-Policy`.
    pub(crate) fn policy(&self) -> String {
        format!("\"default\";q={};w={WINDOW}", self.per_minute)
    }
}

impl Remaining {
    /// Nothing.
    pub(crate) const NONE: Self = Self(0);
}

impl fmt::Display for Remaining {
    /// The value of `RateLimit`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"default\";r={};t={WINDOW}", self.0)
    }
}

fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::Ipv6Addr;

    use atlas_domain::clock::SystemEntropy;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_caller_has_a_quota_of_its_own_and_learns_how_long_to_wait() {
        let rates = RateLimits::new(NonZeroU32::new(2).unwrap(), &SystemEntropy);
        let user = |n| UserId::from_uuid(Uuid::from_u128(n));
        assert_eq!(rates.count_user(user(1)).unwrap().0, 1);
        assert_eq!(rates.count_user(user(1)).unwrap().0, 0);
        let wait = rates.count_user(user(1)).unwrap_err().retry_after;
        assert!((1..=30).contains(&wait), "{wait}");
        assert_eq!(rates.count_user(user(2)).unwrap().0, 1);
    }

    #[test]
    fn an_ipv6_network_is_one_caller() {
        let rates = RateLimits::new(NonZeroU32::new(1).unwrap(), &SystemEntropy);
        let address = |last| {
            Some(IpAddr::V6(Ipv6Addr::new(
                0x2001, 0xdb8, 0, 1, 0, 0, 0, last,
            )))
        };
        assert!(rates.count_stranger(address(1)).is_ok());
        assert!(rates.count_stranger(address(2)).is_err());
    }

    #[test]
    fn addresses_that_share_a_counter_in_one_process_do_not_in_another() {
        let process = || RateLimits::new(NonZeroU32::MIN, &SystemEntropy);
        let victim = Some(IpAddr::from([192, 0, 2, 1]));
        let with_the_victim = |rates: &RateLimits| -> HashSet<IpAddr> {
            (0..100_000_u32)
                .map(|n| IpAddr::from(n.to_be_bytes()))
                .filter(|address| rates.bucket(Some(*address)) == rates.bucket(victim))
                .collect()
        };
        let (one, other) = (with_the_victim(&process()), with_the_victim(&process()));
        // About 24 each; that more than a few are in both would take a miracle.
        assert!(!one.is_empty(), "there are more addresses than counters");
        assert!(one.intersection(&other).count() < 5, "{one:?} {other:?}");
    }
}
