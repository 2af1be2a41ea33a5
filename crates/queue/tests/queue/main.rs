//! What the workers' doorbell does over a real Redis, and what we lean on in apalis-redis.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "test code ends at the first surprise"
)]

mod contract;
mod delivery;

use std::time::Duration;

use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::ids::{RunId, WorkerId};
use atlas_queue::{Listener, ListenerError, ListenerOptions, Message, QueueOptions};
use atlas_test_support::TestRedis;
use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

fn options(redis: &TestRedis) -> QueueOptions {
    let mut options = QueueOptions::new(SecretString::from(redis.url()), redis.namespace());
    // A busy machine is no failure.
    options.push_timeout = Duration::from_secs(20);
    options
}

fn a_run() -> RunId {
    RunId::mint(&SystemClock, &SystemEntropy)
}

async fn connection(redis: &TestRedis) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(redis.url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// A listener that passes on what it hears.
struct Ear {
    heard: mpsc::UnboundedReceiver<Message>,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), ListenerError>>,
}

impl Ear {
    fn open(redis: &TestRedis) -> Self {
        let (sender, heard) = mpsc::unbounded_channel();
        let shutdown = CancellationToken::new();
        let listener = Listener::new(listener_options(redis, 2)).unwrap();
        let running = tokio::spawn(listener.run(
            move |message| {
                let _ = sender.send(message);
                std::future::ready(())
            },
            shutdown.clone(),
        ));
        Self {
            heard,
            shutdown,
            running,
        }
    }

    async fn next(&mut self) -> Message {
        tokio::time::timeout(atlas_test_support::PATIENCE, self.heard.recv())
            .await
            .unwrap()
            .unwrap()
    }

    async fn close(self) {
        self.shutdown.cancel();
        self.running.await.unwrap().unwrap();
    }
}

fn listener_options(redis: &TestRedis, concurrency: usize) -> ListenerOptions {
    ListenerOptions {
        queue: options(redis),
        worker_id: WorkerId::mint("test", &SystemClock, &SystemEntropy),
        concurrency,
        poll_interval: Duration::from_millis(100),
    }
}
