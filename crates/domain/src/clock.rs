//! Time and randomness, as parameters of rules.

use chrono::{DateTime, Utc};

/// A source of the current time. Leases and due times are decided by the database's clock; this one is for
/// identifiers and for what a process measures about itself.
pub trait Clock: Send + Sync {
    /// The current moment, in UTC.
    fn now(&self) -> DateTime<Utc>;
}

/// Fills buffers with random bytes.
pub trait Entropy: Send + Sync {
    /// Overwrites `bytes` with random data that an attacker cannot predict.
    fn fill(&self, bytes: &mut [u8]);
}

/// The machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// The operating system's random generator, through a thread-local generator that it seeds.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        rand::fill(bytes);
    }
}
