//! Ctrl-C and its relatives, as a value that every wait takes.
//!
//! A signal does not end the program where it stands. It makes the current wait return
//! [`Interrupted`], and the way out through `?` runs every destructor: that is how everything that
//! was started is stopped.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Somebody asked this program to end.
#[derive(Debug, Clone, Copy)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Whether SIGINT, SIGTERM or SIGHUP has come.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl Interrupt {
    /// Takes over the three signals, from now to the end of the program.
    pub fn listen() -> anyhow::Result<Self> {
        let interrupt = Self::default();
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("signal handlers")?;
        let raiser = interrupt.clone();
        std::thread::spawn(move || {
            for _ in signals.forever() {
                raiser.raise();
            }
        });
        Ok(interrupt)
    }

    /// Refuses to go on after a signal.
    pub fn check(&self) -> Result<(), Interrupted> {
        self.pause(Duration::ZERO)
    }

    /// Waits that long, unless a signal comes.
    pub fn pause(&self, duration: Duration) -> Result<(), Interrupted> {
        let until = Instant::now() + duration;
        let mut raised = self.0.raised.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if *raised {
                return Err(Interrupted);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            (raised, _) = self
                .0
                .changed
                .wait_timeout(raised, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn raise(&self) {
        *self.0.raised.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_ends_a_pause_before_its_time() {
        let interrupt = Interrupt::default();
        let raiser = interrupt.clone();
        let before = Instant::now();
        let thread = std::thread::spawn(move || raiser.raise());
        assert!(interrupt.pause(Duration::from_secs(60)).is_err());
        assert!(before.elapsed() < Duration::from_secs(30));
        assert!(thread.join().is_ok());
        assert!(interrupt.check().is_err(), "and stays raised");
    }
}
