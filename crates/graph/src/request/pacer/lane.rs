//! What was asked of one service lately.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::bucket::Limit;

/// Starts within a sliding window, and what holds further ones back.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// When requests started, or will, and the units they use up; in the order of time.
    starts: VecDeque<(Instant, u32)>,
    paused_until: Option<Instant>,
    slow: Option<Slow>,
}

/// Requests keep a distance: that of a limit spread evenly over its window, so many times.
#[derive(Debug, Clone, Copy)]
struct Slow {
    until: Instant,
    times: u32,
}

impl Lane {
    pub(super) const fn paused_until(&self) -> Option<Instant> {
        self.paused_until
    }

    pub(super) fn pause(&mut self, until: Instant) {
        self.paused_until = Some(self.paused_until.map_or(until, |known| known.max(until)));
    }

    pub(super) fn slow(&mut self, until: Instant, times: u32) {
        let known = self.slow.filter(|slow| slow.until > Instant::now());
        self.slow = Some(Slow {
            until: known.map_or(until, |slow| slow.until.max(until)),
            times: known.map_or(times, |slow| slow.times.max(times)),
        });
    }

    /// The first moment from `from` on, and not before a request that is waiting already, at which
    /// `units` fit.
    pub(super) fn earliest(&mut self, units: u32, limit: Limit, from: Instant) -> Instant {
        self.forget(limit, Instant::now());
        let last = self.starts.back().map(|(start, _)| *start);
        let mut at = last.map_or(from, |last| from.max(last));
        if let Some(spread) = last.and_then(|last| self.spread(last, limit, at)) {
            at = spread;
        }
        let mut used: u64 = self.starts.iter().map(|(_, units)| u64::from(*units)).sum();
        let room = u64::from(limit.units.max(units));
        for (start, gone) in &self.starts {
            if used + u64::from(units) <= room {
                break;
            }
            used -= u64::from(*gone);
            at = at.max(*start + limit.window);
        }
        at
    }

    /// Whether `units` fit at `now`, besides what has started until then.
    pub(super) fn fits(&self, units: u32, limit: Limit, now: Instant) -> bool {
        let started = || self.starts.iter().filter(|(start, _)| *start <= now);
        let used: u64 = started()
            .filter(|(start, _)| *start + limit.window > now)
            .map(|(_, units)| u64::from(*units))
            .sum();
        let spread = started()
            .next_back()
            .and_then(|(last, _)| self.spread(*last, limit, now));
        used + u64::from(units) <= u64::from(limit.units.max(units)) && spread.is_none()
    }

    /// The moment to wait for when `at` is too near to `last` for a lane that is slowed down.
    fn spread(&self, last: Instant, limit: Limit, at: Instant) -> Option<Instant> {
        let slow = self.slow.filter(|slow| at < slow.until)?;
        let next = last + limit.window / limit.units * slow.times;
        (at < next).then_some(next)
    }

    /// Takes note of units that are used up at `at`.
    pub(super) fn add(&mut self, at: Instant, units: u32) {
        let place = self.starts.partition_point(|(start, _)| *start <= at);
        self.starts.insert(place, (at, units));
    }

    /// Removes units that were counted.
    pub(super) fn remove(&mut self, at: Instant, units: u32) {
        if let Some(place) = self.starts.iter().position(|one| *one == (at, units)) {
            self.starts.remove(place);
        }
    }

    pub(super) fn is_idle(&mut self, limit: Limit, now: Instant) -> bool {
        self.forget(limit, now);
        let over = |until: Option<Instant>| until.is_none_or(|until| until <= now);
        self.starts.is_empty() && over(self.paused_until) && over(self.slow.map(|slow| slow.until))
    }

    fn forget(&mut self, limit: Limit, now: Instant) {
        while self
            .starts
            .front()
            .is_some_and(|(start, _)| *start + limit.window <= now)
        {
            self.starts.pop_front();
        }
    }
}
