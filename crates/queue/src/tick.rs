//! When a worker asks Redis for messages.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use apalis::prelude::{PollSnapshot, PollStrategy};
use tokio::time::{Instant, Sleep};

/// Fires once per period. The interval strategy of apalis leaves its timer unarmed after it fired,
/// and a worker that lost its wake-up sleeps for ever without an error; this one never returns
/// without an armed timer.
#[derive(Debug)]
pub(crate) struct Tick {
    period: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl Tick {
    pub(crate) fn new(period: Duration) -> Self {
        Self {
            period,
            sleep: Box::pin(tokio::time::sleep(period)),
        }
    }
}

impl PollStrategy for Tick {
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        let mut fired = false;
        while self.sleep.as_mut().poll(cx).is_ready() {
            fired = true;
            let next = Instant::now() + self.period;
            self.sleep.as_mut().reset(next);
        }
        if fired {
            Poll::Ready(Some(()))
        } else {
            Poll::Pending
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use apalis::prelude::IntervalStrategy;

    use super::*;

    const PERIOD: Duration = Duration::from_millis(10);

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// How often a strategy wakes its worker in ten periods. It is polled until it fires, and then no
    /// more, because the worker waits for the answer to its fetch.
    async fn wakes(mut strategy: impl PollStrategy) -> usize {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let seen = PollSnapshot::default();
        while strategy
            .poll_drive(&mut Context::from_waker(&waker), &seen)
            .is_pending()
        {
            tokio::time::sleep(PERIOD).await;
        }
        let until_it_fired = wakes.0.load(Ordering::SeqCst);
        tokio::time::sleep(PERIOD * 10).await;
        wakes.0.load(Ordering::SeqCst) - until_it_fired
    }

    #[tokio::test]
    async fn a_tick_wakes_a_worker_that_did_not_ask_again_after_it_fired() {
        assert_eq!(wakes(Tick::new(PERIOD)).await, 1);
    }

    /// When this fails, [`Tick`] may go.
    #[tokio::test]
    async fn the_interval_of_apalis_wakes_nobody_who_did_not_ask_again_after_it_fired() {
        assert_eq!(wakes(IntervalStrategy::new(PERIOD)).await, 0);
    }
}
