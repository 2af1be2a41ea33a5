//! One tenant's shared pause and pacing.
//!
//! Graph counts requests per application and tenant, throttled ones too. When one request is told
//! to slow down, every list of that tenant therefore waits, not only the one that was told.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::backoff::Patience;

/// What all requests to one tenant share.
#[derive(Debug, Default)]
pub(crate) struct Tempo {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    paused_until: Option<Instant>,
    next_paced: Option<Instant>,
}

/// The pause lasts longer than the request may still wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PausedTooLong {
    /// What is left of the pause.
    pub(crate) remaining: Duration,
}

impl Tempo {
    /// Lets no request of the tenant start for `wait`. A longer pause that runs already stays.
    pub(crate) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.lock();
        state.paused_until = Some(state.paused_until.map_or(until, |known| known.max(until)));
    }

    /// Whether a pause is running.
    pub(crate) fn is_paused(&self) -> bool {
        self.pause_after(Instant::now()).is_some()
    }

    /// Returns when a request may start: after the tenant's pause, and with a distance of
    /// `interval` to the request before it, where there is an interval. The pause uses up
    /// `patience`; the distance does not, it is no fault.
    ///
    /// # Errors
    /// [`PausedTooLong`] at once, when the pause is longer than the patience.
    pub(crate) async fn turn(
        &self,
        interval: Option<Duration>,
        patience: &mut Patience,
    ) -> Result<(), PausedTooLong> {
        loop {
            let now = Instant::now();
            if let Some(until) = self.pause_after(now) {
                let remaining = until - now;
                if !patience.spend(remaining) {
                    return Err(PausedTooLong { remaining });
                }
                sleep_until(until).await;
                continue;
            }
            let Some(interval) = interval else {
                return Ok(());
            };
            let turn = self.take_turn(now, interval);
            if turn <= now {
                return Ok(());
            }
            sleep_until(turn).await;
            if !self.is_paused() {
                return Ok(());
            }
        }
    }

    fn take_turn(&self, now: Instant, interval: Duration) -> Instant {
        let mut state = self.lock();
        let turn = state.next_paced.map_or(now, |next| next.max(now));
        state.next_paced = Some(turn + interval);
        turn
    }

    fn pause_after(&self, now: Instant) -> Option<Instant> {
        self.lock().paused_until.filter(|until| *until > now)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience(seconds: u64) -> Patience {
        Patience::new(6, Duration::from_secs(seconds))
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_every_request_and_the_longer_one_wins() {
        let tempo = Tempo::default();
        let start = Instant::now();
        tempo.pause(Duration::from_secs(5));
        tempo.pause(Duration::from_secs(2));
        tempo.turn(None, &mut patience(60)).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(5));
        assert!(!tempo.is_paused());
    }

    #[tokio::test(start_paused = true)]
    async fn who_cannot_wait_that_long_is_told_at_once() {
        let tempo = Tempo::default();
        let start = Instant::now();
        tempo.pause(Duration::from_secs(600));
        let told = tempo.turn(None, &mut patience(300)).await;
        assert_eq!(
            told,
            Err(PausedTooLong {
                remaining: Duration::from_secs(600)
            })
        );
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn paced_requests_keep_their_distance_also_after_a_pause() {
        let tempo = Tempo::default();
        let start = Instant::now();
        let interval = Some(Duration::from_secs(1));
        let turns = async {
            let mut seen = Vec::new();
            for _ in 0..4 {
                tempo.turn(interval, &mut patience(60)).await.unwrap();
                seen.push(start.elapsed().as_secs());
                if seen.len() == 2 {
                    tempo.pause(Duration::from_secs(10));
                }
            }
            seen
        };
        assert_eq!(turns.await, [0, 1, 11, 12]);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_queued_before_a_pause_do_not_rush_out_after_it() {
        let tempo = std::sync::Arc::new(Tempo::default());
        let start = Instant::now();
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let tempo = std::sync::Arc::clone(&tempo);
            waiting.spawn(async move {
                let interval = Some(Duration::from_secs(1));
                tempo.turn(interval, &mut patience(60)).await.unwrap();
                start.elapsed().as_secs()
            });
        }
        tokio::task::yield_now().await;
        tempo.pause(Duration::from_secs(10));
        let mut turns = waiting.join_all().await;
        turns.sort_unstable();
        for pair in turns[1..].windows(2) {
            assert!(pair[1] > pair[0], "{turns:?}");
        }
    }
}
