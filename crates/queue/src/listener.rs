//! The worker's side: receiving messages from Redis.

use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{
    BackendExt, BoxDynError, Data, Monitor, MonitorContext, WorkerBuilder, WorkerBuilderExt,
    WorkerError,
};
use apalis_core::backend::Vacuum;
use apalis_redis::RedisStorage;
use atlas_domain::causes::Causes;
use atlas_domain::ids::WorkerId;
use atlas_telemetry::metrics::STREAM_RESTARTS;
use futures::StreamExt;
use futures::future::BoxFuture;
use redis::RedisError;
use redis::aio::{ConnectionManager, PubSub};
use tokio_util::sync::CancellationToken;

use crate::config::{EVENTS, QueueOptions, QueueSetupError};
use crate::fault::{RedisFault, RedisFaultKind, kind_of};
use crate::mend::mend;
use crate::message::{Message, MessageCodec};
use crate::notices::Notices;
use crate::tick::Tick;

/// How often finished messages are swept out of Redis, and how long they stay at least.
const VACUUM_EVERY: Duration = Duration::from_secs(600);
const VACUUM_AGE: Duration = Duration::from_secs(3_600);
/// How long a connection for announcements may take.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest pause before a stream that broke is opened again.
const REOPEN_MAX: Duration = Duration::from_secs(2);
/// A stream that goes on breaking does so more often: a pause, and the time limits of connecting and of
/// the first answers.
const BREAKS_WITHIN: Duration = Duration::from_secs(12);

/// How to listen.
#[derive(Debug, Clone)]
pub struct ListenerOptions {
    /// Where the queue is.
    pub queue: QueueOptions,
    /// This process. apalis-redis refuses a name that was used before.
    pub worker_id: WorkerId,
    /// How many messages are handled at once; further ones stay in Redis for other processes.
    pub concurrency: usize,
    /// How often Redis is asked when nothing announces a message.
    pub poll_interval: Duration,
}

/// Why listening ended without having been asked to.
#[derive(Debug, thiserror::Error)]
pub enum ListenerError {
    /// The settings.
    #[error(transparent)]
    Setup(#[from] QueueSetupError),
    /// apalis gave up.
    #[error("the queue's monitor ended by itself")]
    Ended,
}

/// Makes connections, which connect when they are first used.
trait Connect: Fn() -> Result<ConnectionManager, RedisError> + Clone + Send + Sync + 'static {}

impl<F> Connect for F where
    F: Fn() -> Result<ConnectionManager, RedisError> + Clone + Send + Sync + 'static
{
}

type Handler = Arc<dyn Fn(Message) -> BoxFuture<'static, ()> + Send + Sync>;

/// Receives messages and calls a handler for each.
#[derive(Debug)]
pub struct Listener {
    options: ListenerOptions,
    client: redis::Client,
    faults: ListenerFaults,
}

/// What keeps a listener from hearing messages, for whoever reports it.
#[derive(Debug, Clone, Default)]
pub struct ListenerFaults {
    stream: Arc<Notices>,
    announcements: Arc<Notices>,
}

impl ListenerFaults {
    /// What it has met several times, and last a few seconds ago.
    #[must_use]
    pub fn lasting(&self) -> Option<RedisFaultKind> {
        let of = |notices: &Notices| notices.lasting(BREAKS_WITHIN);
        of(&self.stream).or_else(|| of(&self.announcements))
    }
}

impl Listener {
    /// Prepares to listen. Nothing is connected yet.
    ///
    /// # Errors
    /// [`QueueSetupError`] for settings that can never work.
    pub fn new(options: ListenerOptions) -> Result<Self, QueueSetupError> {
        let client = options.queue.client()?;
        Ok(Self {
            options,
            client,
            faults: ListenerFaults::default(),
        })
    }

    /// What will keep it from hearing messages.
    #[must_use]
    pub fn faults(&self) -> ListenerFaults {
        self.faults.clone()
    }

    /// Calls `handler` for each message until `shutdown`, and then waits for the calls that are
    /// under way. A fault of Redis drops those calls at any await: what must go on is to be spawned
    /// by the handler. The stream is opened again after each fault, for as long as it takes.
    ///
    /// # Errors
    /// [`ListenerError`] when listening has ended for good.
    pub async fn run<H, F>(
        self,
        handler: H,
        shutdown: CancellationToken,
    ) -> Result<(), ListenerError>
    where
        H: Fn(Message) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |message| Box::pin(handler(message)));
        let connect = {
            let (client, options) = (self.client.clone(), self.options.queue.connection());
            move || client.get_connection_manager_lazy(options.clone())
        };
        let stream = self.faults.stream.clone();
        let monitor = monitor(&self.options, connect.clone(), &handler, stream)
            .map_err(QueueSetupError::Connection)?;
        let context = monitor.context();
        let background = CancellationToken::new();
        let _ends_background = background.clone().drop_guard();
        tokio::spawn(wake(
            self.client,
            self.options.queue.wake_channel(),
            context.clone(),
            self.faults,
            background.clone(),
        ));
        tokio::spawn(vacuum(connect, self.options.queue.apalis(), background));

        // `run_with_signal` would go on waiting for the signal after all streams are dead.
        let mut running = tokio::spawn(monitor.run());
        tokio::select! {
            _ = &mut running => return Err(ListenerError::Ended),
            () = shutdown.cancelled() => {}
        }
        let _ = context.shutdown();
        let _ = running.await;
        Ok(())
    }
}

/// Each stream has a connection of its own: a manager of connections that was once refused for its
/// password never asks again.
fn monitor(
    options: &ListenerOptions,
    connect: impl Connect,
    handler: &Handler,
    notices: Arc<Notices>,
) -> Result<Monitor, RedisError> {
    let config = options.queue.apalis();
    let options = options.clone();
    let first = connect()?;
    let handler = handler.clone();
    let monitor = Monitor::new()
        .should_restart(move |worker, error| {
            STREAM_RESTARTS.add(&[], 1);
            if notices.begins(kind_of_end(error)) {
                tracing::warn!(worker = worker.name(), error = %Causes(error), "the queue's stream broke; reopening");
            } else {
                tracing::debug!(worker = worker.name(), error = %Causes(error), "the queue's stream broke again");
            }
            true
        })
        .register(move |restarts| {
            let pause = pause_before(restarts);
            let connection = match restarts {
                0 => first.clone(),
                _ => connect().unwrap_or_else(|_| first.clone()),
            };
            let name = |opened: usize| format!("{}-{opened}", options.worker_id.as_str());
            let opening = (
                connection.clone(),
                config.clone(),
                restarts.checked_sub(1).map(name),
            );
            let backend = RedisStorage::<Message>::new(connection)
                .with_config(config.clone())
                .with_codec(MessageCodec)
                .before_start(move |_| {
                    let (mut connection, config, broken) = opening.clone();
                    async move {
                        tokio::time::sleep(pause).await;
                        mend(&mut connection, &config, broken.as_deref()).await;
                        Ok(())
                    }
                })
                .poll_with_strategy(Tick::new(options.poll_interval));
            WorkerBuilder::new(name(restarts))
                .backend(backend)
                .data(handler.clone())
                .concurrency(options.concurrency)
                .catch_panic()
                .build(handle)
        });
    Ok(monitor)
}

/// What ended a stream.
fn kind_of_end(error: &WorkerError) -> RedisFaultKind {
    match error {
        WorkerError::BackendError(error) => match error.downcast_ref() {
            Some(apalis_redis::Error::Database(error)) => kind_of(error),
            _ => RedisFaultKind::Other,
        },
        _ => RedisFaultKind::Other,
    }
}

/// Never fails: a retry by apalis would ignore its limits, and the run's row knows better.
async fn handle(message: Message, handler: Data<Handler>) -> Result<(), BoxDynError> {
    handler(message).await;
    Ok(())
}

fn pause_before(restarts: usize) -> Duration {
    match restarts {
        0 => Duration::ZERO,
        n => Duration::from_millis(50 << n.min(6)).min(REOPEN_MAX),
    }
}

/// Lets the workers fetch as soon as a push is announced.
async fn wake(
    client: redis::Client,
    channel: String,
    context: MonitorContext,
    faults: ListenerFaults,
    shutdown: CancellationToken,
) {
    let ListenerFaults {
        stream,
        announcements: notices,
    } = faults;
    let mut attempt: usize = 0;
    while !shutdown.is_cancelled() {
        match subscribed(&client, &channel).await {
            Ok(announcements) => {
                attempt = 0;
                if stream.ends() | notices.ends() {
                    tracing::info!("connected to Redis again");
                }
                wake_all(&context);
                let mut announcements = announcements.into_on_message();
                loop {
                    tokio::select! {
                        () = shutdown.cancelled() => return,
                        announced = announcements.next() => match announced {
                            Some(message) if message.get_payload_bytes() == EVENTS.as_bytes() => {}
                            Some(_) => wake_all(&context),
                            None => break,
                        },
                    }
                }
            }
            // Everything else is met by the stream as well.
            Err(fault)
                if fault.kind() == RedisFaultKind::NotPermitted && notices.begins(fault.kind()) =>
            {
                tracing::warn!(error = %Causes(&fault), "announcements of Redis cannot be heard");
            }
            Err(_) => {}
        }
        attempt += 1;
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause_before(attempt)) => {}
        }
    }
}

/// Hears what is announced on the channel.
///
/// # Errors
/// [`RedisFault`], within [`SUBSCRIBE_TIMEOUT`].
pub(crate) async fn subscribed(
    client: &redis::Client,
    channel: &str,
) -> Result<PubSub, RedisFault> {
    let subscribing = async {
        let mut announcements = client.get_async_pubsub().await?;
        announcements.subscribe(channel).await?;
        Ok(announcements)
    };
    tokio::time::timeout(SUBSCRIBE_TIMEOUT, subscribing)
        .await
        .unwrap_or_else(|_| Err(RedisFault::of_kind(RedisFaultKind::TimedOut)))
}

/// The context keeps the first name of each worker; looking it up reaches the one that runs now.
fn wake_all(context: &MonitorContext) {
    for worker in context.workers() {
        let _ = context.wake_worker(worker.name());
    }
}

/// apalis-redis keeps every finished message until it is deleted. Deleting is safe because
/// handlers never fail: a failed message that waits for its retry would poison the queue.
async fn vacuum(connect: impl Connect, config: apalis_redis::Config, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(VACUUM_EVERY);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = sweep_out(&connect, &config).await {
            tracing::debug!(error = %Causes(&error), "finished messages could not be swept out");
        }
    }
}

async fn sweep_out(
    connect: &impl Connect,
    config: &apalis_redis::Config,
) -> Result<(), apalis_redis::Error> {
    let mut connection = connect()?;
    let mut storage = RedisStorage::<Message>::new(connection.clone()).with_config(config.clone());
    storage.vacuum_before(VACUUM_AGE).await?;
    redis::cmd("DEL")
        .arg(config.done_jobs_set())
        .arg(config.dead_jobs_set())
        .query_async::<()>(&mut connection)
        .await?;
    Ok(())
}
