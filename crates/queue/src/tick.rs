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
