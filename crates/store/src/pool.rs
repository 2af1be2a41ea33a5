//! Connections to PostgreSQL, and the handle that every function of this crate hangs on.
//!
//! There are two pools. Statements in files, which starts and workers need, have one; what is read
//! for screens has a smaller one with a short time limit (`reads.rs`), so that lists never take the
//! connections of the others.

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::clock::{Clock, Entropy};
use atlas_domain::ids::mint_uuid;
use deadpool::managed::{Metrics, QueueMode};
use deadpool_postgres::{
    Connect, Manager, ManagerConfig, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::Pool as ReadPool;
use diesel_async::pooled_connection::{self, AsyncDieselConnectionManager};
use futures::FutureExt;
use futures::future::BoxFuture;
use secrecy::SecretString;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::access::asked::SharedLookUps;
use crate::connection::{ConnectFailure, Connector, Pooling, Settings, UrlError};
use crate::error::StoreError;
use crate::runs::asked::SharedStarts;
use crate::statement::{self, Statement};

/// Set for each connection, so that no statement, lock or forgotten transaction can hold up others for
/// long. All statements are short: compiling one, or starting processes beside it, would take longer
/// than running it.
pub(crate) const STATEMENT_SETTINGS: Settings = &[
    ("statement_timeout", "30s"),
    ("lock_timeout", "5s"),
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("idle_in_transaction_session_timeout", "15s"),
    ("client_connection_check_interval", "10s"),
];
/// Of reads, besides. Their conditions differ from call to call, and so does the best plan: planning anew
/// takes a fraction of what a plan for all values can cost.
pub(crate) const READ_SETTINGS: Settings = &[
    ("statement_timeout", "5s"),
    ("plan_cache_mode", "force_custom_plan"),
];
/// How long a migration waits for a lock: less than statements of programs, which wait behind it.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(3);
/// Of migrations. One may take long on a large table, and another connection holds their lock meanwhile.
pub(crate) const MIGRATION_SETTINGS: Settings = &[
    ("lock_timeout", "3s"),
    ("statement_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
];

/// How a process reaches the database.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// `postgres://user:password@host:port/database?sslmode=verify-full`. Settings of the session that
    /// it holds in `options` are kept; where this crate sets the same, its value decides.
    pub database_url: SecretString,
    /// What stands between the process and the database.
    pub pooling: Pooling,
    /// Connections at most, for everything but reads for screens.
    pub pool_size: usize,
    /// Further connections at most, for reads for screens.
    pub read_pool_size: usize,
    /// Shown in `pg_stat_activity`.
    pub application_name: String,
    /// How long a caller waits for a connection, made new or given back by others.
    pub acquire_timeout: Duration,
}

/// The options cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreSetupError {
    /// The URL, or a file that it names.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The pool cannot be made.
    #[error("the connection pool cannot be set up")]
    Pool(#[from] deadpool::managed::BuildError),
}

/// How a pool of connections is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// `main`, or `reads`: what screens read.
    pub pool: &'static str,
    /// Connections that work for somebody.
    pub used: usize,
    /// Open connections that do not.
    pub idle: usize,
    /// Connections that may be open.
    pub most: usize,
    /// Callers that wait for one.
    pub waiting: usize,
}

impl PoolUse {
    fn of(pool: &'static str, status: &deadpool::Status) -> Self {
        Self {
            pool,
            used: status.size.saturating_sub(status.available),
            idle: status.available.min(status.size),
            most: status.max_size,
            waiting: status.waiting,
        }
    }
}

/// The database, as everybody else sees it. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    statements: deadpool_postgres::Pool,
    pub(crate) reads: ReadPool<AsyncPgConnection>,
    /// Turns of reads, fewer than connections: see [`Store::read`].
    pub(crate) read_turns: Arc<Semaphore>,
    /// Held by whoever gives events their positions: one connection at a time is enough.
    pub(crate) numbering: Arc<Mutex<()>>,
    pub(crate) connector: Connector,
    acquire_timeout: Duration,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Memberships that are looked up together, from the first one on.
    pub(crate) look_ups: Arc<OnceLock<SharedLookUps>>,
    /// Starts that arrive together, likewise.
    pub(crate) starts: Arc<OnceLock<SharedStarts>>,
    /// Who administers, for the audit log: see [`Store::administered_by`].
    pub(crate) administrator: Option<Arc<str>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Prepares the pools; connects when first asked for something.
    ///
    /// # Errors
    /// [`StoreSetupError`] when the options are not usable.
    pub fn new(
        options: &StoreOptions,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreSetupError> {
        let connector = Connector::new(
            &options.database_url,
            &options.application_name,
            options.pooling,
        )?;
        let statements = connector.with_settings(STATEMENT_SETTINGS);
        let reads = statements.with_settings(READ_SETTINGS);
        Ok(Self {
            statements: statement_pool(statements, options)?,
            reads: read_pool(reads, options)?,
            read_turns: Arc::new(Semaphore::new(options.read_pool_size.div_ceil(2))),
            numbering: Arc::default(),
            connector,
            acquire_timeout: options.acquire_timeout,
            clock,
            entropy,
            look_ups: Arc::default(),
            starts: Arc::default(),
            administrator: None,
        })
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is none.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.client().await?.simple_query("SELECT 1").await?;
        Ok(())
    }

    /// How both pools are used in this moment. Asks nobody.
    #[must_use]
    pub fn pools(&self) -> [PoolUse; 2] {
        [
            PoolUse::of("main", &self.statements.status()),
            PoolUse::of("reads", &self.reads.status()),
        ]
    }

    /// Closes the connections that nobody has used for so long.
    pub fn close_idle(&self, longer_than: Duration) {
        let is_used = |metrics: Metrics| metrics.last_used() < longer_than;
        self.statements.retain(|_, metrics| is_used(metrics));
        self.reads.retain(|_, metrics| is_used(metrics));
    }

    /// Finds out what stands before the database, when that is not known yet. Callers wait no longer
    /// for that than for a connection.
    pub(crate) async fn examine(&self) -> Result<(), StoreError> {
        match timeout(self.acquire_timeout, self.connector.examine()).await {
            Ok(examined) => Ok(examined?),
            Err(elapsed) => Err(StoreError::Unavailable(Box::new(elapsed))),
        }
    }

    /// A connection for several statements in files. For one, see [`Store::fetch_all`] and those
    /// after it.
    pub(crate) async fn client(&self) -> Result<deadpool_postgres::Client, StoreError> {
        self.examine().await?;
        let client = self.statements.get().await;
        client.map_err(|error| match error {
            PoolError::Backend(error) => self.connector.failure(error).into(),
            other => other.into(),
        })
    }

    async fn lend(&self) -> Result<Lent<'_>, StoreError> {
        Ok(Lent {
            client: Some(self.client().await?),
            connector: &self.connector,
        })
    }

    /// Every row that the statement returns.
    pub(crate) async fn fetch_all<S: Statement>(
        &self,
        statement: &S,
    ) -> Result<Vec<S::Row>, StoreError> {
        let lent = self.lend().await?;
        let answer = statement::fetch_all(lent.client()?, statement).await;
        lent.give_back(answer)
    }

    /// The only row, when there is one.
    pub(crate) async fn fetch_optional<S: Statement>(
        &self,
        statement: &S,
    ) -> Result<Option<S::Row>, StoreError> {
        let lent = self.lend().await?;
        let answer = statement::fetch_optional(lent.client()?, statement).await;
        lent.give_back(answer)
    }

    /// The only row of a statement that always returns one.
    pub(crate) async fn fetch_one<S: Statement>(
        &self,
        statement: &S,
    ) -> Result<S::Row, StoreError> {
        let lent = self.lend().await?;
        let answer = statement::fetch_one(lent.client()?, statement).await;
        lent.give_back(answer)
    }

    /// Runs a statement that returns nothing, and says how many rows it changed.
    pub(crate) async fn execute<S: Statement<Row = ()>>(
        &self,
        statement: &S,
    ) -> Result<u64, StoreError> {
        let lent = self.lend().await?;
        let answer = statement::execute(lent.client()?, statement).await;
        lent.give_back(answer)
    }

    /// A number that nobody gave before, most likely.
    pub(crate) fn random_number(&self) -> i64 {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes);
        i64::from_le_bytes(bytes)
    }

    /// A new time-ordered id for a row that the database need not be asked about.
    pub(crate) fn mint(&self) -> Uuid {
        mint_uuid(&*self.clock, &*self.entropy)
    }
}

/// A connection that works on one statement. When the caller hangs up before the answer is there,
/// the statement is cancelled, and the connection is closed: its next user would wait for the end.
struct Lent<'a> {
    client: Option<deadpool_postgres::Client>,
    connector: &'a Connector,
}

impl Lent<'_> {
    fn client(&self) -> Result<&deadpool_postgres::Client, StoreError> {
        self.client
            .as_ref()
            .ok_or_else(|| StoreError::Unavailable("the connection is given back".into()))
    }

    /// A connection that ended is closed: the pool may not have noticed yet.
    fn give_back<T>(mut self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if !matches!(answer, Err(StoreError::Unavailable(_))) {
            self.client = None;
        }
        answer
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            self.connector.cancel(client.cancel_token());
            drop(deadpool_postgres::Client::take(client));
        }
    }
}

impl Connect for Connector {
    /// Connects as the pool's own connector does, and logs the whole cause when a connection ends. The
    /// statement that it worked on reports it as an error.
    fn connect(
        &self,
        _config: &tokio_postgres::Config,
    ) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), tokio_postgres::Error>> {
        async move {
            let (client, connection) = Self::connect(self).await?;
            let task = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    let error = StoreError::from(error);
                    tracing::debug!(error = %Causes(&error), "a connection ended");
                }
            });
            Ok((client, task))
        }
        .boxed()
    }
}

fn statement_pool(
    connector: Connector,
    options: &StoreOptions,
) -> Result<deadpool_postgres::Pool, StoreSetupError> {
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = Manager::from_connect(connector.config().clone(), connector, recycling);
    Ok(deadpool_postgres::Pool::builder(manager)
        .max_size(options.pool_size)
        // In turns they would all be used now and then, and none could be given up.
        .queue_mode(QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .timeouts(timeouts(options))
        .build()?)
}

fn read_pool(
    connector: Connector,
    options: &StoreOptions,
) -> Result<ReadPool<AsyncPgConnection>, StoreSetupError> {
    let mut setup = pooled_connection::ManagerConfig::default();
    setup.recycling_method = pooled_connection::RecyclingMethod::Fast;
    setup.custom_setup = Box::new(move |_| {
        let connector = connector.clone();
        async move { connector.establish_pooled().await }.boxed()
    });
    let manager =
        AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config(String::new(), setup);
    Ok(ReadPool::builder(manager)
        .max_size(options.read_pool_size)
        // The server's process that read last has the most of what reads need in its memory.
        .queue_mode(QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .timeouts(timeouts(options))
        .build()?)
}

fn timeouts(options: &StoreOptions) -> Timeouts {
    Timeouts {
        wait: Some(options.acquire_timeout),
        create: Some(options.acquire_timeout),
        recycle: Some(options.acquire_timeout),
    }
}

/// One connection outside any pool, for migrations.
pub(crate) async fn connect_once(
    connector: &Connector,
) -> Result<AsyncPgConnection, ConnectFailure> {
    connector
        .with_settings(MIGRATION_SETTINGS)
        .establish()
        .await
}
