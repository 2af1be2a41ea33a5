//! Settings that both sides of the queue share.

use std::time::Duration;

use redis::aio::ConnectionManagerConfig;
use secrecy::{ExposeSecret, SecretString};

/// Where the queue is, and its limits.
#[derive(Debug, Clone)]
pub struct QueueOptions {
    /// `redis://` or `rediss://`; it may hold a password.
    pub redis_url: SecretString,
    /// Prefix of all keys, so that installations and tests can share one Redis.
    pub namespace: String,
    /// How long one push, or one answer of Redis, may take.
    pub push_timeout: Duration,
    /// With more undelivered messages than this, nothing more is pushed. apalis-redis 1.0.0 cannot
    /// fetch any more once 8,000 are due.
    pub max_outstanding: u64,
    /// How often a listener reports itself in Redis, in whole seconds. Messages that it had fetched
    /// are delivered to others once it has been silent for six times as long.
    pub heartbeat: Duration,
}

impl QueueOptions {
    /// Options with the limits that the design asks for.
    #[must_use]
    pub fn new(redis_url: SecretString, namespace: impl Into<String>) -> Self {
        Self {
            redis_url,
            namespace: namespace.into(),
            push_timeout: Duration::from_secs(2),
            max_outstanding: 4_000,
            heartbeat: Duration::from_secs(5),
        }
    }

    pub(crate) fn client(&self) -> Result<redis::Client, QueueSetupError> {
        redis::Client::open(self.redis_url.expose_secret()).map_err(|_| QueueSetupError::Url)
    }

    /// The same on both sides. `batch_size(1)`: with more, a busy worker sends no heartbeat and its
    /// jobs are given away. Locks and events of apalis-redis protect nothing that we need and each
    /// is one more way to fail. Results stay persisted: without that, nothing is ever acknowledged.
    pub(crate) fn apalis(&self) -> apalis_redis::Config {
        apalis_redis::Config::default()
            .queue(format!("{}:runs", self.namespace))
            .batch_size(1)
            .heartbeat_interval(self.heartbeat)
            .missed_heartbeats(6)
            .lock_tasks(false)
            .emit_events(false)
    }

    /// The channel on which a push is announced; workers would otherwise notice it at their next
    /// poll.
    pub(crate) fn wake_channel(&self) -> String {
        format!("{}:wake", self.namespace)
    }

    /// No retries inside: whoever asks has a time limit of its own and a better answer than waiting.
    pub(crate) fn connection(&self) -> ConnectionManagerConfig {
        ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(self.push_timeout.min(Duration::from_secs(1))))
            .set_response_timeout(Some(self.push_timeout))
    }
}

/// Why the queue cannot be set up. Never holds the URL, which may carry a password.
#[derive(Debug, thiserror::Error)]
pub enum QueueSetupError {
    /// The URL is not one of Redis.
    #[error("REDIS_URL is not a valid redis:// or rediss:// URL")]
    Url,
    /// The connection manager refused its settings.
    #[error("the connection to Redis cannot be set up")]
    Connection(#[source] redis::RedisError),
}
