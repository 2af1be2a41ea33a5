//! How often requests are sent for one tenant.
//!
//! Graph counts requests per application, tenant and service, throttled ones too. Each service is
//! therefore asked less often than published from the first request on; when one request is
//! throttled, every request to the same service waits; and when Graph reports that much of a limit is
//! used, requests are spaced before it is reached.

mod bucket;
mod lane;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use crate::options::GraphOptions;
use crate::request::backoff::Patience;
use crate::request::refusal::Usage;

pub(crate) use bucket::{Bucket, Charge, Limit};
use lane::Lane;

/// Who starts later than reserved by no more than this part of the window still starts in time:
/// timers are not exact.
const LATE: u32 = 20;

/// What all requests of one application to one tenant share.
#[derive(Debug)]
pub(crate) struct Pacer {
    lanes: Mutex<HashMap<Bucket, Lane>>,
    /// Pauses of the application in all its tenants.
    application: Arc<ApplicationPause>,
    slots: Semaphore,
    pace: Pace,
}

/// How much of the published limits is used.
#[derive(Debug, Clone, Copy)]
struct Pace {
    share: f64,
    conditional_access_interval: Duration,
}

/// A pause of one application, over all tenants.
#[derive(Debug, Default)]
pub(crate) struct ApplicationPause(Mutex<Option<Instant>>);

/// The pause lasts longer than the request may still wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PausedTooLong {
    /// What is left of the pause.
    pub(crate) remaining: Duration,
}

/// The place of a page among those that may be in memory at once; free again when this is dropped.
pub(crate) type Place = OwnedSemaphorePermit;

/// A request that may start.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    /// It is under way until this is dropped.
    pub(crate) slot: Option<SemaphorePermit<'a>>,
    /// For what it brings, where a place was wanted.
    pub(crate) place: Option<Place>,
    /// How long it waited for limits and pauses.
    pub(crate) waited: Duration,
}

/// When a request may start.
enum Reserved {
    At(Instant),
    PausedUntil(Instant),
}

impl ApplicationPause {
    /// Lets no request start for `wait`. A longer pause that runs already stays.
    pub(crate) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut paused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *paused = Some(paused.map_or(until, |known| known.max(until)));
    }

    /// Whether nothing would be lost by dropping it.
    pub(crate) fn is_idle(&self) -> bool {
        self.until().is_none_or(|until| until <= Instant::now())
    }

    fn until(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pace {
    fn limit(self, bucket: Bucket) -> Limit {
        if bucket == Bucket::ConditionalAccess {
            return Limit {
                units: 1,
                window: self.conditional_access_interval,
            };
        }
        let limit = bucket.limit();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the share is between 0 and 1, so that the product is a smaller u32"
        )]
        let units = (f64::from(limit.units) * self.share) as u32;
        Limit {
            units: units.max(1),
            ..limit
        }
    }
}

impl Pacer {
    pub(crate) fn new(options: &GraphOptions, application: Arc<ApplicationPause>) -> Self {
        Self {
            lanes: Mutex::default(),
            application,
            slots: Semaphore::new(options.concurrency),
            pace: Pace {
                share: options.limit_share,
                conditional_access_interval: options.conditional_access_interval,
            },
        }
    }

    /// So many units of `bucket` can be asked for at once.
    pub(crate) fn capacity(&self, bucket: Bucket) -> u32 {
        self.pace.limit(bucket).units
    }

    /// Lets no request to `bucket` start for `wait`, and fewer than usual for a while after that. A
    /// longer pause that runs already stays.
    pub(crate) fn pause(&self, bucket: Bucket, wait: Duration) {
        let limit = self.pace.limit(bucket);
        let mut lanes = self.lock();
        let lane = lanes.entry(bucket).or_default();
        let until = Instant::now() + wait;
        lane.pause(until);
        lane.slow(until + limit.window, 2);
    }

    /// Lets no request of the application start for `wait`, in any tenant.
    pub(crate) fn pause_application(&self, wait: Duration) {
        self.application.pause(wait);
    }

    /// Records what an answer reports about the limit.
    pub(crate) fn note(&self, charge: Charge, usage: Usage) {
        let limit = self.pace.limit(charge.bucket);
        let now = Instant::now();
        let mut lanes = self.lock();
        let lane = lanes.entry(charge.bucket).or_default();
        if let Some(used) = usage.units.filter(|used| *used > charge.units) {
            lane.add(now, used - charge.units);
        }
        if let Some(percentage) = usage.limit_percentage {
            // What is just used up is not above the limit yet: of one request a second, each is all.
            let distance = if percentage <= 1.0 { 1 } else { 2 };
            lane.slow(now + limit.window, distance);
        }
    }

    /// Whether nothing would be lost by dropping it.
    pub(crate) fn is_idle(&self) -> bool {
        let now = Instant::now();
        self.lock()
            .iter_mut()
            .all(|(bucket, lane)| lane.is_idle(self.pace.limit(*bucket), now))
    }

    /// Returns when a request may start that uses up `charges`: after the pauses of their buckets,
    /// within their limits, when there is a place among `places`, if any, and when fewer requests of
    /// the tenant are under way than allowed. Pauses use up `patience`; keeping within limits does
    /// not, it is no fault.
    ///
    /// # Errors
    /// [`PausedTooLong`] at once, when a pause is longer than the patience.
    pub(crate) async fn turn(
        &self,
        charges: &[Charge],
        patience: &mut Patience,
        places: Option<&Arc<Semaphore>>,
    ) -> Result<Turn<'_>, PausedTooLong> {
        let mut waited = Duration::ZERO;
        loop {
            let now = Instant::now();
            match self.reserve(charges, now) {
                Reserved::PausedUntil(until) => {
                    let remaining = until - now;
                    if !patience.spend(remaining) {
                        return Err(PausedTooLong { remaining });
                    }
                    sleep_until(until).await;
                    waited += now.elapsed();
                }
                Reserved::At(at) => {
                    if at > now {
                        sleep_until(at).await;
                        waited += now.elapsed();
                    }
                    // The place comes first: a page in its place may need slots, and no request
                    // under way needs a place. Neither semaphore is ever closed.
                    let place = match places {
                        Some(places) => Arc::clone(places).acquire_owned().await.ok(),
                        None => None,
                    };
                    let slot = self.slots.acquire().await.ok();
                    if self.confirm(charges, at) {
                        return Ok(Turn {
                            slot,
                            place,
                            waited,
                        });
                    }
                }
            }
        }
    }

    /// Another slot, for a request that let its own go.
    pub(crate) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.slots.acquire().await.ok()
    }

    /// Reserves the first moment at which all charges fit.
    fn reserve(&self, charges: &[Charge], now: Instant) -> Reserved {
        let mut lanes = self.lock();
        if let Some(until) = self.paused_until(&lanes, charges, now) {
            return Reserved::PausedUntil(until);
        }
        let mut at = now;
        for charge in charges {
            let limit = self.pace.limit(charge.bucket);
            let lane = lanes.entry(charge.bucket).or_default();
            at = lane.earliest(charge.units, limit, at);
        }
        for charge in charges {
            lanes
                .entry(charge.bucket)
                .or_default()
                .add(at, charge.units);
        }
        Reserved::At(at)
    }

    /// Turns what was reserved into a start now, if it still fits: a pause may have come in
    /// between, and who waited for a slot starts later than reserved. Else gives it back.
    fn confirm(&self, charges: &[Charge], reserved: Instant) -> bool {
        let now = Instant::now();
        let mut lanes = self.lock();
        let paused = self.paused_until(&lanes, charges, now).is_some();
        let in_time = charges.iter().all(|charge| {
            let window = self.pace.limit(charge.bucket).window;
            now - reserved <= window / LATE
        });
        if in_time && !paused {
            return true;
        }
        for charge in charges {
            if let Some(lane) = lanes.get_mut(&charge.bucket) {
                lane.remove(reserved, charge.units);
            }
        }
        let fits = !paused
            && charges.iter().all(|charge| {
                let limit = self.pace.limit(charge.bucket);
                lanes
                    .get(&charge.bucket)
                    .is_none_or(|lane| lane.fits(charge.units, limit, now))
            });
        if fits {
            for charge in charges {
                lanes
                    .entry(charge.bucket)
                    .or_default()
                    .add(now, charge.units);
            }
        }
        fits
    }

    fn paused_until(
        &self,
        lanes: &HashMap<Bucket, Lane>,
        charges: &[Charge],
        now: Instant,
    ) -> Option<Instant> {
        charges
            .iter()
            .filter_map(|charge| lanes.get(&charge.bucket)?.paused_until())
            .chain(self.application.until())
            .max()
            .filter(|until| *until > now)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Bucket, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
