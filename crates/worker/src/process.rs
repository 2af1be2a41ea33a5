//! One worker process, from its start to its end.

use std::sync::Arc;
use std::time::Duration;

use atlas_domain::clock::{Clock, Entropy, SystemClock, SystemEntropy};
use atlas_domain::ids::WorkerId;
use atlas_domain::run::lease::LeaseTerms;
use atlas_domain::vault::Keyring;
use atlas_graph::{GraphClient, GraphSetupError};
use atlas_queue::{
    Doorbell, Listener, ListenerError, ListenerOptions, QueueOptions, QueueSetupError, RedisFault,
};
use atlas_settings::SettingError;
use atlas_store::{Store, StoreError, StoreOptions, StoreSetupError, WorkerReport};
use atlas_telemetry::metrics;
use atlas_webhooks::{OpeningKeys, SealingError, Sender, SenderError};
use tokio_util::sync::CancellationToken;

use crate::dispatcher::Dispatcher;
use crate::execution::Executor;
use crate::graph_traffic::CountedTraffic;
use crate::health::HealthReporter;
use crate::options::RunOptions;
use crate::redis_state::RedisState;
use crate::services::Services;
use crate::sign_in::SignIn;
use crate::turns::Turns;
use crate::webhooks::{self, Webhooks};
use crate::{keys, observation, presence, sweeps, wait};

/// How often a worker reports itself, unless it sweeps less often.
const REPORT_EVERY: Duration = Duration::from_secs(15);
/// Connections for heartbeats, sweeps and claims, beside those that store pages.
const SPARE_CONNECTIONS: usize = 4;
/// Connections for what a worker reads with the builder: where the next reading of groups goes on.
const READ_CONNECTIONS: usize = 2;

/// Why a worker cannot start, or ended without having been asked to.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The address of a service.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The database's settings.
    #[error(transparent)]
    Store(#[from] StoreSetupError),
    /// The queue's settings.
    #[error(transparent)]
    Queue(#[from] QueueSetupError),
    /// The queue cannot work with this Redis.
    #[error(transparent)]
    Redis(#[from] RedisFault),
    /// Graph's settings.
    #[error(transparent)]
    Graph(#[from] GraphSetupError),
    /// What webhooks are sent with.
    #[error(transparent)]
    WebhookSender(#[from] SenderError),
    /// The keys of webhooks' secrets.
    #[error(transparent)]
    WebhookKeys(#[from] SealingError),
    /// The certificates of further authorities.
    #[error("the file of ATLAS_WEBHOOK_CA_FILE cannot be read")]
    WebhookAuthorities(#[from] std::io::Error),
    /// The queue was lost for good.
    #[error(transparent)]
    Listener(#[from] ListenerError),
}

/// Works until `shutdown`, then lets runs end within the grace time and gives the others back.
///
/// # Errors
/// [`ProcessError`].
pub async fn run(
    options: &RunOptions,
    keys: Keyring,
    shutdown: CancellationToken,
) -> Result<(), ProcessError> {
    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) =
        (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let worker_id = WorkerId::mint(&host(), clock.as_ref(), entropy.as_ref());
    let store = Store::new(
        &StoreOptions {
            database_url: options.database.url()?,
            pooling: options.database.pooling(),
            pool_size: usize::from(options.slots)
                + usize::from(options.max_pages_in_flight)
                + SPARE_CONNECTIONS,
            read_pool_size: READ_CONNECTIONS,
            application_name: "atlas-worker".to_owned(),
            acquire_timeout: Duration::from_secs(10),
        },
        clock.clone(),
        entropy.clone(),
    )?;
    let queue = QueueOptions {
        ca_file: options.redis.redis_ca_file.clone(),
        ..QueueOptions::new(options.redis.url()?, &options.queue_namespace)
    };
    let doorbell = Doorbell::new(&queue)?;
    let graph = GraphClient::counted(options.graph(), Arc::new(CountedTraffic))?;
    let webhooks = Webhooks {
        store: store.clone(),
        sender: Sender::new(options.webhook_sender()?)?,
        keys: OpeningKeys::new(&keys)?,
        lease: options.lease,
        clock: clock.clone(),
        entropy: entropy.clone(),
    };
    let health = HealthReporter::new(options.health_file.path.clone(), worker_id.clone());

    doorbell.examine().await?;
    let gone = CancellationToken::new();
    let alive = tokio::spawn(health.clone().stay_alive(gone.clone()));
    let fit = wait::until_none(|| unfit(&store), &health, &shutdown).await
        && wait::until_none(|| keys::misfit(&store, &keys), &health, &shutdown).await;
    if !fit {
        gone.cancel();
        let _ = alive.await;
        return Ok(());
    }
    let sign_in = Arc::new(SignIn::new(
        store.clone(),
        graph,
        keys,
        clock.clone(),
        options.credentials_dir.clone(),
    ));
    let services = Services::new(&store, &sign_in, &clock, options.verify_within);
    let executor = Executor::new(
        store.clone(),
        services,
        options.lease,
        options.heartbeat,
        entropy.clone(),
    );
    let terms = LeaseTerms {
        worker_id: worker_id.clone(),
        duration: options.lease,
    };
    let slots = usize::from(options.slots);
    let dispatcher = Dispatcher::new(store.clone(), doorbell.clone(), executor, terms, slots);
    let listener = Listener::new(ListenerOptions {
        queue,
        worker_id: worker_id.clone(),
        concurrency: slots,
        poll_interval: options.poll_interval,
    })?;
    let redis = RedisState::watched(
        doorbell,
        listener.faults(),
        options.sweep_interval,
        shutdown.clone(),
    );
    tracing::info!(worker_id = worker_id.as_str(), slots, "working");

    let turns = Turns::default();
    let present = tokio::spawn(presence::run(
        store.clone(),
        WorkerReport {
            id: worker_id,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: host(),
            slots: options.slots,
            draining: false,
        },
        report_interval(options.sweep_interval),
        turns.clone(),
        shutdown.clone(),
        gone.clone(),
    ));
    if metrics::is_serving() {
        tokio::spawn(observation::run(
            store.clone(),
            Arc::clone(&sign_in),
            clock.clone(),
            turns.clone(),
            shutdown.clone(),
        ));
    }
    let webhooks = (options.webhook_deliveries > 0).then(|| {
        tokio::spawn(webhooks::run(
            webhooks,
            options.webhook_deliveries,
            dispatcher.clone(),
            turns.clone(),
            shutdown.clone(),
        ))
    });
    let sweeps = tokio::spawn(sweeps::run(
        store,
        dispatcher.clone(),
        sweeps::Readiness {
            health: health.clone(),
            redis,
        },
        sweeps::SweepOptions {
            interval: options.sweep_interval,
            retention: options.retention(),
        },
        entropy,
        turns,
        shutdown.clone(),
    ));
    let heard = dispatcher.clone();
    let mut listening =
        tokio::spawn(listener.run(move |message| heard.clone().look(message), shutdown.clone()));
    let ended_early = tokio::select! {
        ended = &mut listening => Some(ended),
        () = shutdown.cancelled() => None,
    };
    shutdown.cancel();
    tracing::info!(grace = ?options.shutdown_grace, "stopping");
    dispatcher.drain(options.shutdown_grace).await;
    let _ = sweeps.await;
    if let Some(webhooks) = webhooks {
        // A request that is under way ends by its own timeout.
        let _ = webhooks.await;
    }
    // Not before: a sweep that was under way reports at its end.
    health.withdraw();
    gone.cancel();
    let _ = tokio::join!(present, alive);
    // Redis may be gone, and nothing waits for it any more: what was under way has ended above.
    listening.abort();
    match ended_early {
        Some(Ok(Err(error))) => Err(error.into()),
        Some(Err(_)) => Err(ListenerError::Ended.into()),
        Some(Ok(Ok(()))) | None => Ok(()),
    }
}

/// Three times the interval of sweeps, but not beyond a quarter of the minute after which a worker counts
/// as silent.
fn report_interval(sweep_interval: Duration) -> Duration {
    sweep_interval.max(REPORT_EVERY.min(sweep_interval.saturating_mul(3)))
}

/// Why this program cannot work with the database, if it cannot.
async fn unfit(store: &Store) -> Result<Option<String>, StoreError> {
    let schema = store.schema_state().await?;
    if !schema.fits() {
        return Ok(Some(schema.to_string()));
    }
    tracing::info!(%schema, "the database answers");
    Ok(store.database_fault().await?.map(|fault| fault.to_string()))
}

/// For people who look for a worker; not relied upon.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "worker".to_owned())
}
