//! How long answers took.

use std::time::Duration;

use anyhow::Context as _;
use hdrhistogram::Histogram;

/// Three significant digits: a thousandth is less than any two measurements differ by.
const DIGITS: u8 = 3;

/// Times, in nanoseconds.
#[derive(Debug, Clone)]
pub(crate) struct Times(Histogram<u64>);

impl Times {
    /// None yet.
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self(Histogram::new(DIGITS)?))
    }

    /// These times.
    pub(crate) fn of(took: &[Duration]) -> anyhow::Result<Self> {
        let mut times = Self::new()?;
        took.iter().try_for_each(|took| times.record(*took))?;
        Ok(times)
    }

    pub(crate) fn record(&mut self, took: Duration) -> anyhow::Result<()> {
        Ok(self.0.record(u64::try_from(took.as_nanos())?)?)
    }

    pub(crate) fn add(&mut self, others: &Self) -> anyhow::Result<()> {
        Ok(self.0.add(&others.0)?)
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time that this share of the answers did not exceed, from 0 to 1.
    ///
    /// # Errors
    /// When there was no answer.
    pub(crate) fn at(&self, quantile: f64) -> anyhow::Result<Duration> {
        let answered = (!self.0.is_empty()).then(|| self.0.value_at_quantile(quantile));
        let nanoseconds = answered.context("there was not a single answer")?;
        Ok(Duration::from_nanos(nanoseconds))
    }

    pub(crate) fn p50(&self) -> anyhow::Result<Duration> {
        self.at(0.5)
    }

    pub(crate) fn p99(&self) -> anyhow::Result<Duration> {
        self.at(0.99)
    }

    pub(crate) fn max(&self) -> Duration {
        Duration::from_nanos(self.0.max())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    #[test]
    fn percentiles_are_of_all_times_in_whatever_order_they_came() {
        let mut times = Times::new().unwrap();
        assert!(times.p50().is_err(), "no answer has no percentile");
        for milliseconds in (1..=60).rev() {
            times.record(Duration::from_millis(milliseconds)).unwrap();
        }
        let others: Vec<_> = (61..=100).map(Duration::from_millis).collect();
        times.add(&Times::of(&others).unwrap()).unwrap();
        let near = |time: Duration, milliseconds: f64| {
            (time.as_secs_f64() * 1000.0 / milliseconds - 1.0).abs() < 0.001
        };
        assert_eq!(times.count(), 100);
        assert!(near(times.p50().unwrap(), 50.0), "{times:?}");
        assert!(near(times.p99().unwrap(), 99.0), "{times:?}");
        assert!(near(times.max(), 100.0), "{times:?}");
    }
}
