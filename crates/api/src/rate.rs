//! How many requests a caller may make, as the headers of draft-ietf-httpapi-ratelimit-headers-10
//! report it. Each process counts for itself.
//!
//! A caller has a bucket of tokens that fills at an even rate. A request takes one token; what turned
//! out to be little work gives nine tenths of it back, which libraries for rates do not offer.

use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use atlas_domain::clock::Entropy;
use atlas_domain::ids::UserId;

/// Addresses that fail to authenticate share this many counters, so that a flood of addresses
/// cannot fill the memory. Users need no such limit: there are as many as the database has.
const ADDRESS_BUCKETS: u64 = 4096;
/// From this many counters of a shard on, those that are full again are forgotten.
const FORGET_FROM: usize = 2_000;
/// Counters are split, so that threads do not wait for each other.
const SHARDS: usize = 16;
/// The window of the quota, in seconds.
const WINDOW: u64 = 60;
/// Millionths of a request.
const REQUEST: u64 = 1_000_000;
/// What a request that was little work counts.
const LIGHT_REQUEST: u64 = REQUEST / 10;

/// Whom a counter belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Caller {
    User(UserId),
    Address(u64),
    LookUps(u64),
}

/// What is left of a caller's quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remaining {
    /// Requests.
    requests: u64,
    /// Seconds until there is one more, at least one.
    more_in: u64,
}

/// Nothing is left for this long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exceeded {
    /// Seconds, at least one.
    pub(crate) retry_after: u64,
}

/// A request that turned out to be little work: it counts a tenth of one. A handler marks it so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LightRequest;

/// What a caller may still ask for, in millionths of a request, and as of when.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: u64,
    as_of: Instant,
}

/// Some of the counters.
#[derive(Debug, Default)]
struct Shard {
    buckets: HashMap<Caller, Bucket>,
    /// When those that were full again were last forgotten.
    forgotten_at: Option<Instant>,
}

/// One counter per caller.
pub(crate) struct RateLimits {
    shards: [Mutex<Shard>; SHARDS],
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
            shards: Default::default(),
            per_minute,
        }
    }

    /// Counts a request of a user.
    pub(crate) fn count_user(&self, user: UserId) -> Result<Remaining, Exceeded> {
        self.count(Caller::User(user), Instant::now())
    }

    /// Counts a request that did not prove who makes it.
    pub(crate) fn count_stranger(&self, address: Option<IpAddr>) -> Result<Remaining, Exceeded> {
        self.count(Caller::Address(self.bucket(address)), Instant::now())
    }

    /// Counts a request with a token of which nothing is known yet, before the database is asked
    /// for it. Apart from other strangers, so that they do not keep new users of their address out.
    pub(crate) fn count_look_up(&self, address: Option<IpAddr>) -> Result<Remaining, Exceeded> {
        self.count(Caller::LookUps(self.bucket(address)), Instant::now())
    }

    /// A request of the user that was counted turned out to be little work: it counts a tenth.
    pub(crate) fn lighten(&self, user: UserId) -> Remaining {
        let (caller, now) = (Caller::User(user), Instant::now());
        let buckets = &mut self.shard(caller).buckets;
        let mut bucket = self.filled(buckets.get(&caller), now);
        bucket.left = (bucket.left + REQUEST - LIGHT_REQUEST).min(self.full());
        buckets.insert(caller, bucket);
        self.remaining(bucket)
    }

    fn count(&self, caller: Caller, now: Instant) -> Result<Remaining, Exceeded> {
        let mut shard = self.shard(caller);
        self.forget(&mut shard, now);
        let mut bucket = self.filled(shard.buckets.get(&caller), now);
        if bucket.left < REQUEST {
            let retry_after = self.remaining(bucket).more_in;
            return Err(Exceeded { retry_after });
        }
        bucket.left -= REQUEST;
        shard.buckets.insert(caller, bucket);
        Ok(self.remaining(bucket))
    }

    /// Forgets counters that are full again, once in a window, where there are many.
    fn forget(&self, shard: &mut Shard, now: Instant) {
        let window = Duration::from_secs(WINDOW);
        let is_due = shard
            .forgotten_at
            .is_none_or(|last| now.saturating_duration_since(last) >= window);
        if is_due && shard.buckets.len() > FORGET_FROM {
            let full = self.full();
            let buckets = &mut shard.buckets;
            buckets.retain(|_, bucket| self.filled(Some(&*bucket), now).left < full);
            shard.forgotten_at = Some(now);
        }
    }

    fn shard(&self, caller: Caller) -> MutexGuard<'_, Shard> {
        let mut hash = DefaultHasher::new();
        caller.hash(&mut hash);
        let shards = u64::try_from(SHARDS).unwrap_or(1);
        let at = usize::try_from(hash.finish() % shards).unwrap_or_default();
        self.shards[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The bucket at a later time; a new one is full.
    fn filled(&self, bucket: Option<&Bucket>, now: Instant) -> Bucket {
        let left = bucket.map_or(self.full(), |bucket| {
            let since = now.saturating_duration_since(bucket.as_of);
            // A bucket is full after the window.
            let since = since.min(Duration::from_secs(WINDOW)).as_micros();
            let more = since * u128::from(self.per_minute.get()) / u128::from(WINDOW);
            (bucket.left + u64::try_from(more).unwrap_or(u64::MAX)).min(self.full())
        });
        Bucket { left, as_of: now }
    }

    fn full(&self) -> u64 {
        u64::from(self.per_minute.get()) * REQUEST
    }

    fn remaining(&self, bucket: Bucket) -> Remaining {
        let requests = bucket.left / REQUEST;
        let missing = (requests + 1) * REQUEST - bucket.left;
        let per_second = u64::from(self.per_minute.get()) * REQUEST;
        Remaining {
            requests,
            more_in: (missing * WINDOW).div_ceil(per_second).max(1),
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

    /// The value of `RateLimit-Policy`.
    pub(crate) fn policy(&self) -> String {
        format!("\"default\";q={};w={WINDOW}", self.per_minute)
    }
}

impl Exceeded {
    /// The same for the header.
    pub(crate) const fn remaining(self) -> Remaining {
        Remaining {
            requests: 0,
            more_in: self.retry_after,
        }
    }
}

impl fmt::Display for Remaining {
    /// The value of `RateLimit`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"default\";r={};t={}", self.requests, self.more_in)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::Ipv6Addr;

    use atlas_domain::clock::SystemEntropy;
    use uuid::Uuid;

    use super::*;

    fn limits(per_minute: u32) -> RateLimits {
        RateLimits::new(NonZeroU32::new(per_minute).unwrap(), &SystemEntropy)
    }

    fn user(n: u128) -> UserId {
        UserId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn each_caller_has_a_quota_of_its_own_and_learns_how_long_to_wait() {
        let rates = limits(2);
        assert_eq!(rates.count_user(user(1)).unwrap().requests, 1);
        assert_eq!(rates.count_user(user(1)).unwrap().requests, 0);
        let wait = rates.count_user(user(1)).unwrap_err().retry_after;
        assert!((1..=30).contains(&wait), "{wait}");
        assert_eq!(rates.count_user(user(2)).unwrap().requests, 1);
    }

    #[test]
    fn the_header_and_the_refusal_name_the_same_time_and_it_holds() {
        let rates = limits(600);
        let (caller, begun) = (Caller::User(user(1)), Instant::now());
        for left in (0..600).rev() {
            let remaining = rates.count(caller, begun).unwrap();
            assert_eq!(remaining.to_string(), format!("\"default\";r={left};t=1"));
        }
        let refused = rates.count(caller, begun).unwrap_err();
        assert_eq!(refused.remaining().to_string(), "\"default\";r=0;t=1");
        let later = begun + Duration::from_secs(refused.retry_after);
        assert_eq!(rates.count(caller, later).unwrap().requests, 9);
        let much_later = later + Duration::from_secs(3600);
        assert_eq!(rates.count(caller, much_later).unwrap().requests, 599);

        let slow = limits(3);
        for _ in 0..3 {
            slow.count(caller, begun).unwrap();
        }
        assert_eq!(slow.count(caller, begun).unwrap_err().retry_after, 20);
        let soon = begun + Duration::from_secs(15);
        assert_eq!(slow.count(caller, soon).unwrap_err().retry_after, 5);
    }

    #[test]
    fn ten_light_requests_count_as_one() {
        let rates = limits(2);
        for _ in 0..10 {
            rates.count_user(user(1)).unwrap();
            rates.lighten(user(1));
        }
        assert_eq!(rates.count_user(user(1)).unwrap().requests, 0);
        assert!(rates.count_user(user(1)).is_err());
        assert_eq!(rates.lighten(user(2)).requests, 2, "never more than all");
    }

    #[test]
    fn counters_that_are_full_again_are_forgotten() {
        let rates = limits(60);
        let begun = Instant::now();
        let kept = || -> usize {
            let shards = rates.shards.iter();
            shards.map(|one| one.lock().unwrap().buckets.len()).sum()
        };
        for n in 0..100_000 {
            rates.count(Caller::User(user(n)), begun).unwrap();
        }
        assert_eq!(kept(), 100_000, "each of them counts");
        let later = begun + Duration::from_secs(WINDOW);
        for n in 0..1_000 {
            rates.count(Caller::User(user(n)), later).unwrap();
        }
        assert_eq!(kept(), 1_000);
    }

    #[test]
    fn an_ipv6_network_is_one_caller() {
        let rates = limits(1);
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
