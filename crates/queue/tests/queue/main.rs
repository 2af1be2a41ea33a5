//! What the workers' doorbell does over a real Redis, and what we lean on in apalis-redis.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "test code ends at the first surprise"
)]

mod contract;
mod delivery;
mod faults;
mod line;
mod returns;
mod rights;
mod tls;
mod unfit;

use std::collections::BTreeMap;
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
    QueueOptions {
        namespace: redis.namespace().to_owned(),
        ..options_at(redis.url())
    }
}

/// The same for a Redis that a test has for itself.
fn options_at(url: &str) -> QueueOptions {
    let mut options = QueueOptions::new(SecretString::from(url), "test");
    // A busy machine is no failure.
    options.push_timeout = Duration::from_secs(20);
    options.heartbeat = Duration::from_secs(1);
    options
}

/// The keys of the queue that [`options`] name.
fn keys(redis: &TestRedis) -> apalis_redis::Config {
    keys_of(redis.namespace())
}

fn keys_of(namespace: &str) -> apalis_redis::Config {
    apalis_redis::Config::default().queue(format!("{namespace}:runs"))
}

fn a_run() -> RunId {
    RunId::mint(&SystemClock, &SystemEntropy)
}

async fn connection(redis: &TestRedis) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(redis.url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// The connection that apalis-redis works with.
async fn manager(redis: &TestRedis) -> redis::aio::ConnectionManager {
    let client = redis::Client::open(redis.url()).unwrap();
    client.get_connection_manager().await.unwrap()
}

/// The streams that Redis knows, with the time of their last heartbeat in seconds.
async fn streams(redis: &TestRedis) -> BTreeMap<String, f64> {
    redis::cmd("ZRANGE")
        .arg(keys(redis).workers_set())
        .arg("0")
        .arg("-1")
        .arg("WITHSCORES")
        .query_async(&mut connection(redis).await)
        .await
        .unwrap()
}

/// A listener that passes on what it hears.
struct Ear {
    heard: mpsc::UnboundedReceiver<Message>,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), ListenerError>>,
}

impl Ear {
    fn open(redis: &TestRedis) -> Self {
        Self::with(listener_options(redis, 2))
    }

    fn with(options: ListenerOptions) -> Self {
        let (sender, heard) = mpsc::unbounded_channel();
        let shutdown = CancellationToken::new();
        let listener = Listener::new(options).unwrap();
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
        concurrency,
        ..listener_options_at(redis.url())
    }
}

fn listener_options_at(url: &str) -> ListenerOptions {
    ListenerOptions {
        queue: options_at(url),
        worker_id: WorkerId::mint("test", &SystemClock, &SystemEntropy),
        concurrency: 1,
        poll_interval: Duration::from_millis(100),
    }
}
