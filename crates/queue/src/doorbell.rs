//! The producer's side: notifying workers that a run is queued.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use apalis::prelude::{TaskBuilder, TaskId, TaskSink, TaskSinkError};
use atlas_domain::causes::Causes;
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::ids::{RunId, mint_uuid};
use atlas_telemetry::TraceContext;
use atlas_telemetry::metrics::PUSHES;
use futures::StreamExt as _;
use redis::Value;
use tokio::time::timeout;

use crate::config::{EVENTS, QueueOptions, QueueSetupError};
use crate::fault::{RedisFault, RedisFaultKind};
use crate::link::{Link, Links, Storage};
use crate::listener::subscribed;
use crate::message::Message;
use crate::notices::Notices;

/// For how long a count of undelivered messages is believed, in milliseconds.
const COUNT_AGE: u64 = 100;
/// Between two questions to a Redis that is still reading its data.
const LOADING_PAUSE: Duration = Duration::from_millis(50);
/// Between two attempts to hear announcements.
const HEAR_AGAIN: Duration = Duration::from_secs(2);
/// The message of a rehearsal. Always the same one, so that at most one is ever left behind.
const REHEARSED: &str = "rehearsed";

/// What became of a ring that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rung {
    /// The message is in Redis.
    Pushed,
    /// Very many messages wait already, so none was added. The workers find the run by themselves.
    Crowded,
}

/// Rings for the workers. Cheap to clone; connects when it is first used.
#[derive(Clone)]
pub struct Doorbell {
    links: Arc<Links>,
    options: Arc<QueueOptions>,
    runs: Arc<apalis_redis::Config>,
    rehearsal: Arc<apalis_redis::Config>,
    outstanding: Arc<Outstanding>,
    notices: Arc<Notices>,
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
        Ok(Self {
            links: Arc::new(Links::new(options)?),
            options: Arc::new(options.clone()),
            runs: Arc::new(options.apalis()),
            rehearsal: Arc::new(options.rehearsal()),
            outstanding: Arc::new(Outstanding {
                since: Instant::now(),
                count: AtomicU64::new(0),
                counted_at: AtomicU64::new(u64::MAX),
            }),
            notices: Arc::default(),
        })
    }

    /// Says that `run` waits for a worker. What fails for its connection is tried once more over a
    /// new one. A message whose answer was lost may have arrived nevertheless.
    ///
    /// # Errors
    /// [`RedisFault`], within the configured time.
    pub async fn ring(&self, run: RunId, trace: Option<&TraceContext>) -> Result<Rung, RedisFault> {
        // A second push with the id of an earlier one is swallowed without an error. The run's id
        // alone would make every later ring for it vanish; this one keeps the second attempt from
        // adding what the first may have brought to Redis.
        let ring = mint_uuid(&SystemClock, &SystemEntropy);
        let id = format!("{run}.{}", ring.simple());
        let message = Message {
            run: Some(run),
            trace: trace.copied(),
        };
        let rung = self
            .in_time(|link| self.push(link, id.clone(), message.clone()))
            .await;
        let result = match rung {
            Ok(Rung::Pushed) => "pushed",
            Ok(Rung::Crowded) => "crowded",
            Err(_) => "failed",
        };
        PUSHES.add(&[result], 1);
        rung
    }

    /// Announces that there are events to read, to whoever [hears](Self::hear) it. Who does not hear it
    /// looks a second later, so that nothing is done about a failure.
    pub async fn announce_events(&self) {
        let link = self.links.current();
        let announced: Result<(), _> = redis::cmd("PUBLISH")
            .arg(self.options.wake_channel())
            .arg(EVENTS)
            .query_async(&mut link.connection.clone())
            .await;
        if let Err(error) = announced {
            tracing::debug!(error = %Causes(&error), "events were not announced");
        }
    }

    /// Calls `heard` whenever something is announced: a run that is queued, or other events. It goes on
    /// until it is dropped; while Redis is down it hears nothing.
    pub async fn hear(&self, heard: impl Fn()) -> Infallible {
        loop {
            if let Ok(client) = self.options.client()
                && let Ok(announcements) = subscribed(&client, &self.options.wake_channel()).await
            {
                let mut announcements = announcements.into_on_message();
                while announcements.next().await.is_some() {
                    heard();
                }
            }
            tokio::time::sleep(HEAR_AGAIN).await;
        }
    }

    /// Counts what waits, pushes a message into a queue that nobody listens to and deletes it, which
    /// fails whenever a ring would.
    ///
    /// # Errors
    /// [`RedisFault`], within the configured time.
    pub async fn rehearse(&self) -> Result<(), RedisFault> {
        self.in_time(|link| self.push_and_delete(link)).await
    }

    /// Looks whether this Redis is one with which the queue can work. Everything else that may be
    /// wrong with it may pass, and is logged.
    ///
    /// # Errors
    /// It [is unsuitable](RedisFaultKind::is_unsuitable).
    pub async fn examine(&self) -> Result<(), RedisFault> {
        match self.rehearse().await {
            Err(fault) if fault.kind().is_unsuitable() => Err(fault),
            Err(_) => Ok(()),
            // One node of a Cluster may hold all keys of a namespace; the workers need one outside.
            Ok(()) => match self.in_time(mode).await.as_deref() {
                Ok("cluster") => Err(RedisFault::of_kind(RedisFaultKind::Cluster)),
                _ => Ok(()),
            },
        }
    }

    /// Within the time limit, and with news of it in the log.
    async fn in_time<T, F>(&self, ask: impl Fn(Arc<Link>) -> F) -> Result<T, RedisFault>
    where
        F: Future<Output = Result<T, RedisFault>>,
    {
        let mut loading = None;
        let asked = timeout(self.options.push_timeout, self.ask_twice(&mut loading, ask));
        let answer = asked.await.unwrap_or_else(|_| {
            let kind = loading.unwrap_or(RedisFaultKind::TimedOut);
            Err(RedisFault::of_kind(kind))
        });
        match &answer {
            Err(fault) if self.notices.begins(fault.kind()) => {
                tracing::warn!(error = %Causes(fault), "Redis takes no messages");
            }
            Ok(_) if self.notices.ends() => tracing::info!("Redis takes messages again"),
            _ => {}
        }
        answer
    }

    /// Asks, and again over a new connection where that may help; for as long as Redis reads its
    /// data, which `loading` reports.
    async fn ask_twice<T, F>(
        &self,
        loading: &mut Option<RedisFaultKind>,
        ask: impl Fn(Arc<Link>) -> F,
    ) -> Result<T, RedisFault>
    where
        F: Future<Output = Result<T, RedisFault>>,
    {
        let mut link = self.links.current();
        let mut renewed = false;
        loop {
            let fault = match ask(link.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            if fault.kind() == RedisFaultKind::Loading {
                *loading = Some(RedisFaultKind::Loading);
                tokio::time::sleep(LOADING_PAUSE).await;
            } else if fault.kind().is_of_the_connection() && !renewed {
                link = self.links.newer_than(&link)?;
                renewed = true;
            } else {
                return Err(fault);
            }
        }
    }

    async fn push(
        &self,
        link: Arc<Link>,
        id: String,
        message: Message,
    ) -> Result<Rung, RedisFault> {
        if self.outstanding(&link).await? >= self.options.max_outstanding {
            return Ok(Rung::Crowded);
        }
        push(&link.runs, id, message).await?;
        self.outstanding.count.fetch_add(1, Ordering::Relaxed);
        // Only a matter of milliseconds: a listener that does not hear it polls.
        let woken: Result<(), _> = redis::cmd("PUBLISH")
            .arg(self.options.wake_channel())
            .arg(1)
            .query_async(&mut link.connection.clone())
            .await;
        if let Err(error) = woken {
            tracing::debug!(error = %Causes(&error), "a push was not announced");
        }
        Ok(Rung::Pushed)
    }

    async fn push_and_delete(&self, link: Arc<Link>) -> Result<(), RedisFault> {
        self.count(&link).await?;
        push(&link.rehearsal, REHEARSED.to_owned(), Message::default()).await?;
        redis::cmd("DEL")
            .arg(self.rehearsal.job_data_hash())
            .arg(format!("{}:{REHEARSED}", self.rehearsal.job_meta_hash()))
            .arg(self.rehearsal.scheduled_jobs_set())
            .query_async::<()>(&mut link.connection.clone())
            .await?;
        Ok(())
    }

    /// Counted at most every [`COUNT_AGE`]; pushes of this process since then are added.
    async fn outstanding(&self, link: &Link) -> Result<u64, RedisFault> {
        let seen = &self.outstanding;
        let now = u64::try_from(seen.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let counted_at = seen.counted_at.load(Ordering::Relaxed);
        if counted_at != u64::MAX && now.saturating_sub(counted_at) < COUNT_AGE {
            return Ok(seen.count.load(Ordering::Relaxed));
        }
        let count = self.count(link).await?;
        seen.count.store(count, Ordering::Relaxed);
        seen.counted_at.store(now, Ordering::Relaxed);
        Ok(count)
    }

    async fn count(&self, link: &Link) -> Result<u64, RedisFault> {
        let (scheduled, active): (u64, u64) = redis::pipe()
            .zcard(self.runs.scheduled_jobs_set())
            .llen(self.runs.active_jobs_list())
            .query_async(&mut link.connection.clone())
            .await?;
        Ok(scheduled + active)
    }
}

async fn push(storage: &Storage, id: String, message: Message) -> Result<(), RedisFault> {
    let task = TaskBuilder::new(message)
        .task_id(TaskId::from_string(id))
        .build();
    let pushed = storage.clone().push_task(task).await;
    pushed.map_err(|error| match error {
        TaskSinkError::PushError(error) => error.into(),
        error => RedisFault::other(error.to_string()),
    })
}

/// `standalone`, `cluster` or `sentinel`. Redis of versions before 6 does not know the question; no
/// user needs a permission to ask it.
async fn mode(link: Arc<Link>) -> Result<String, RedisFault> {
    let about: HashMap<String, Value> = redis::cmd("HELLO")
        .query_async(&mut link.connection.clone())
        .await?;
    match about.get("mode") {
        Some(Value::BulkString(mode)) => Ok(String::from_utf8_lossy(mode).into_owned()),
        _ => Ok(String::new()),
    }
}
