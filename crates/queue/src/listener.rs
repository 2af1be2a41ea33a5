//! The worker's side: receiving messages from Redis.

use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{
    BackendExt, BoxDynError, Data, Monitor, MonitorContext, WorkerBuilder, WorkerBuilderExt,
};
use apalis_core::backend::Vacuum;
use apalis_redis::RedisStorage;
use atlas_domain::causes::Causes;
use atlas_domain::ids::WorkerId;
use atlas_telemetry::metrics::STREAM_RESTARTS;
use futures::StreamExt;
use futures::future::BoxFuture;
use redis::aio::ConnectionManager;
use tokio_util::sync::CancellationToken;

use crate::config::{QueueOptions, QueueSetupError};
use crate::mend::mend;
use crate::message::{Message, MessageCodec};
use crate::tick::Tick;

/// How often finished messages are swept out of Redis, and how long they stay at least.
const VACUUM_EVERY: Duration = Duration::from_secs(600);
const VACUUM_AGE: Duration = Duration::from_secs(3_600);
/// The longest pause before a stream that broke is opened again.
const REOPEN_MAX: Duration = Duration::from_secs(2);

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

type Handler = Arc<dyn Fn(Message) -> BoxFuture<'static, ()> + Send + Sync>;

/// Receives messages and calls a handler for each.
#[derive(Debug)]
pub struct Listener {
    options: ListenerOptions,
    client: redis::Client,
}

impl Listener {
    /// Prepares to listen. Nothing is connected yet.
    ///
    /// # Errors
    /// [`QueueSetupError`] for settings that can never work.
    pub fn new(options: ListenerOptions) -> Result<Self, QueueSetupError> {
        let client = options.queue.client()?;
        Ok(Self { options, client })
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
        let connection = self
            .client
            .get_connection_manager_lazy(self.options.queue.connection())
            .map_err(QueueSetupError::Connection)?;
        let monitor = monitor(&self.options, &connection, &handler);
        let context = monitor.context();
        let background = CancellationToken::new();
        let _ends_background = background.clone().drop_guard();
        tokio::spawn(wake(
            self.client,
            self.options.queue.wake_channel(),
            context.clone(),
            background.clone(),
        ));
        tokio::spawn(vacuum(connection, self.options.queue.apalis(), background));

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

fn monitor(
    options: &ListenerOptions,
    connection: &ConnectionManager,
    handler: &Handler,
) -> Monitor {
    let config = options.queue.apalis();
    let options = options.clone();
    let connection = connection.clone();
    let handler = handler.clone();
    Monitor::new()
        .should_restart(|worker, error| {
            tracing::warn!(worker = worker.name(), error = %Causes(&error), "the queue's stream broke; reopening");
            STREAM_RESTARTS.add(&[], 1);
            true
        })
        .register(move |restarts| {
            let pause = pause_before(restarts);
            let name = |opened: usize| format!("{}-{opened}", options.worker_id.as_str());
            let opening = (
                connection.clone(),
                config.clone(),
                restarts.checked_sub(1).map(name),
            );
            let backend = RedisStorage::<Message>::new(connection.clone())
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
        })
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
    shutdown: CancellationToken,
) {
    let mut attempt: usize = 0;
    while !shutdown.is_cancelled() {
        if let Ok(mut announcements) = client.get_async_pubsub().await
            && announcements.subscribe(&channel).await.is_ok()
        {
            attempt = 0;
            wake_all(&context);
            let mut announcements = announcements.into_on_message();
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    announced = announcements.next() => match announced {
                        Some(_) => wake_all(&context),
                        None => break,
                    },
                }
            }
        }
        attempt += 1;
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause_before(attempt)) => {}
        }
    }
}

/// The context keeps the first name of each worker; looking it up reaches the one that runs now.
fn wake_all(context: &MonitorContext) {
    for worker in context.workers() {
        let _ = context.wake_worker(worker.name());
    }
}

/// apalis-redis keeps every finished message until it is deleted. Deleting is safe because
/// handlers never fail: a failed message that waits for its retry would poison the queue.
async fn vacuum(
    connection: ConnectionManager,
    config: apalis_redis::Config,
    shutdown: CancellationToken,
) {
    let mut storage = RedisStorage::<Message>::new(connection.clone()).with_config(config.clone());
    let mut ticks = tokio::time::interval(VACUUM_EVERY);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = storage.vacuum_before(VACUUM_AGE).await {
            tracing::debug!(error = %Causes(&error), "finished messages could not be swept out");
            continue;
        }
        let deleted: Result<(), _> = redis::cmd("DEL")
            .arg(config.done_jobs_set())
            .arg(config.dead_jobs_set())
            .query_async(&mut connection.clone())
            .await;
        if let Err(error) = deleted {
            tracing::debug!(error = %Causes(&error), "the lists of finished messages could not be deleted");
        }
    }
}
