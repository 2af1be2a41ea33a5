//! The producer's side: notifying workers that a run is queued.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use apalis::prelude::{TaskBuilder, TaskId, TaskSink};
use apalis_core::backend::ext::BackendExt;
use apalis_core::backend::ext::with_codec::WithCodec;
use apalis_redis::RedisStorage;
use atlas_domain::causes::Causes;
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::ids::{RunId, mint_uuid};
use atlas_telemetry::TraceContext;
use atlas_telemetry::metrics::PUSHES;
use redis::aio::ConnectionManager;
use tokio::time::timeout;

use crate::config::{QueueOptions, QueueSetupError};
use crate::message::{Message, MessageCodec};

/// For how long a count of undelivered messages is believed, in milliseconds.
const COUNT_AGE: u64 = 100;

/// What became of a ring that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rung {
    /// The message is in Redis.
    Pushed,
    /// Very many messages wait already, so none was added. The workers find the run by themselves.
    Crowded,
}

/// Why a ring failed. The message may have arrived nevertheless, when the answer was lost.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// Redis refused, or cannot be reached.
    #[error("Redis did not take the message: {0}")]
    Refused(#[source] redis::RedisError),
    /// apalis-redis reported something else.
    #[error("the message could not be pushed: {0}")]
    Push(String),
    /// There was no answer in time.
    #[error("Redis did not answer in time")]
    TimedOut,
}

/// Rings for the workers. Cheap to clone; connects when it is first used.
#[derive(Clone)]
pub struct Doorbell {
    connection: ConnectionManager,
    storage: WithCodec<RedisStorage<Message>, MessageCodec>,
    options: Arc<QueueOptions>,
    config: Arc<apalis_redis::Config>,
    outstanding: Arc<Outstanding>,
}

impl std::fmt::Debug for Doorbell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doorbell")
            .field("namespace", &self.options.namespace)
            .finish_non_exhaustive()
    }
}

/// How many messages wait, as last counted.
#[derive(Debug)]
struct Outstanding {
    since: Instant,
    count: AtomicU64,
    counted_at: AtomicU64,
}

impl Doorbell {
    /// Prepares to ring. Nothing is connected yet, so that a process starts while Redis is down.
    ///
    /// # Errors
    /// [`QueueSetupError`] for settings that can never work.
    pub fn new(options: &QueueOptions) -> Result<Self, QueueSetupError> {
        let connection = options
            .client()?
            .get_connection_manager_lazy(options.connection())
            .map_err(QueueSetupError::Connection)?;
        let config = options.apalis();
        Ok(Self {
            storage: RedisStorage::new(connection.clone())
                .with_config(config.clone())
                .with_codec(MessageCodec),
            connection,
            options: Arc::new(options.clone()),
            config: Arc::new(config),
            outstanding: Arc::new(Outstanding {
                since: Instant::now(),
                count: AtomicU64::new(0),
                counted_at: AtomicU64::new(u64::MAX),
            }),
        })
    }

    /// Says that `run` waits for a worker.
    ///
    /// # Errors
    /// [`RingError`], within the configured time.
    pub async fn ring(&self, run: RunId, trace: Option<&TraceContext>) -> Result<Rung, RingError> {
        let rung = timeout(self.options.push_timeout, self.push(run, trace))
            .await
            .unwrap_or(Err(RingError::TimedOut));
        let result = match rung {
            Ok(Rung::Pushed) => "pushed",
            Ok(Rung::Crowded) => "crowded",
            Err(_) => "failed",
        };
        PUSHES.add(&[result], 1);
        rung
    }

    /// Asks whether Redis answers.
    ///
    /// # Errors
    /// [`RingError`], within the configured time.
    pub async fn ping(&self) -> Result<(), RingError> {
        let mut connection = self.connection.clone();
        timeout(self.options.push_timeout, async move {
            redis::cmd("PING")
                .query_async::<()>(&mut connection)
                .await
                .map_err(RingError::Refused)
        })
        .await
        .map_err(|_| RingError::TimedOut)?
    }

    async fn push(&self, run: RunId, trace: Option<&TraceContext>) -> Result<Rung, RingError> {
        if self.outstanding().await? >= self.options.max_outstanding {
            return Ok(Rung::Crowded);
        }
        // A second push with the id of an earlier one is swallowed without an error, so the run's
        // id alone would make every later ring for it vanish.
        let ring = mint_uuid(&SystemClock, &SystemEntropy);
        let id = format!("{run}.{}", ring.simple());
        let task = TaskBuilder::new(Message {
            run: Some(run),
            trace: trace.copied(),
        })
        .task_id(TaskId::from_string(id))
        .build();
        self.storage
            .clone()
            .push_task(task)
            .await
            .map_err(|error| RingError::Push(error.to_string()))?;
        self.outstanding.count.fetch_add(1, Ordering::Relaxed);
        // Only a matter of milliseconds: a listener that does not hear it polls.
        let woken: Result<(), _> = redis::cmd("PUBLISH")
            .arg(self.options.wake_channel())
            .arg(1)
            .query_async(&mut self.connection.clone())
            .await;
        if let Err(error) = woken {
            tracing::debug!(error = %Causes(&error), "a push was not announced");
        }
        Ok(Rung::Pushed)
    }

    /// Counted at most every [`COUNT_AGE`]; pushes of this process since then are added.
    async fn outstanding(&self) -> Result<u64, RingError> {
        let seen = &self.outstanding;
        let now = u64::try_from(seen.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let counted_at = seen.counted_at.load(Ordering::Relaxed);
        if counted_at != u64::MAX && now.saturating_sub(counted_at) < COUNT_AGE {
            return Ok(seen.count.load(Ordering::Relaxed));
        }
        let (scheduled, active): (u64, u64) = redis::pipe()
            .zcard(self.config.scheduled_jobs_set())
            .llen(self.config.active_jobs_list())
            .query_async(&mut self.connection.clone())
            .await
            .map_err(RingError::Refused)?;
        seen.count.store(scheduled + active, Ordering::Relaxed);
        seen.counted_at.store(now, Ordering::Relaxed);
        Ok(scheduled + active)
    }
}
