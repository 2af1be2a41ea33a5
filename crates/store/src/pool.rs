//! Connections to PostgreSQL, and the handle that every function of this crate hangs on.

use std::sync::Arc;
use std::time::Duration;

use atlas_domain::clock::{Clock, Entropy};
use atlas_domain::ids::mint_uuid;
use deadpool::Runtime;
use deadpool::managed::Timeouts;
use diesel::ConnectionError;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use futures::FutureExt;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::error::StoreError;
use crate::statement::prepared;

/// Set for each connection at its start, so that no statement, lock or forgotten transaction can
/// hold up others for long. All statements are short: compiling one would take longer than
/// running it.
const SESSION_SETTINGS: &str = "-c statement_timeout=30s -c lock_timeout=5s -c jit=off \
     -c idle_in_transaction_session_timeout=15s -c client_connection_check_interval=10s";

/// How a process reaches the database. TLS to PostgreSQL is left to the network between them.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// `postgres://user:password@host:port/database`.
    pub database_url: SecretString,
    /// Connections at most.
    pub pool_size: usize,
    /// Shown in `pg_stat_activity`.
    pub application_name: String,
    /// How long a caller waits for a connection, made new or given back by others.
    pub acquire_timeout: Duration,
}

/// The options cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreSetupError {
    /// The URL is not one of PostgreSQL. The text is not repeated: it may hold a password.
    #[error("DATABASE_URL is not a valid postgres:// URL")]
    Url,
    /// The pool cannot be made.
    #[error("the connection pool cannot be set up")]
    Pool(#[source] diesel_async::pooled_connection::deadpool::BuildError),
}

/// The database, as everybody else sees it. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: Pool<AsyncPgConnection>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Prepares the pool; connects when first asked for something.
    ///
    /// # Errors
    /// [`StoreSetupError`] when the options are not usable.
    pub fn new(
        options: &StoreOptions,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreSetupError> {
        let config = connection_config(&options.database_url, &options.application_name)?;
        let mut setup = ManagerConfig::default();
        setup.recycling_method = RecyclingMethod::Fast;
        setup.custom_setup = Box::new(move |_| establish(config.clone()).boxed());
        let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config(
            String::new(),
            setup,
        );
        let pool = Pool::builder(manager)
            .max_size(options.pool_size)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(options.acquire_timeout),
                create: Some(options.acquire_timeout),
                recycle: Some(options.acquire_timeout),
            })
            .build()
            .map_err(StoreSetupError::Pool)?;
        Ok(Self {
            pool,
            clock,
            entropy,
        })
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is none.
    pub async fn ping(&self) -> Result<(), StoreError> {
        use diesel_async::RunQueryDsl as _;
        prepared(diesel::sql_query("SELECT 1"))
            .execute(&mut self.connection().await?)
            .await?;
        Ok(())
    }

    pub(crate) async fn connection(&self) -> Result<Object<AsyncPgConnection>, StoreError> {
        Ok(self.pool.get().await?)
    }

    /// A new time-ordered id for a row that the database need not be asked about.
    pub(crate) fn mint(&self) -> Uuid {
        mint_uuid(&*self.clock, &*self.entropy)
    }
}

fn connection_config(
    url: &SecretString,
    application_name: &str,
) -> Result<tokio_postgres::Config, StoreSetupError> {
    let mut config: tokio_postgres::Config = url
        .expose_secret()
        .parse()
        .map_err(|_| StoreSetupError::Url)?;
    config
        .application_name(application_name)
        .options(SESSION_SETTINGS)
        .connect_timeout(Duration::from_secs(5))
        .keepalives_idle(Duration::from_secs(10));
    Ok(config)
}

async fn establish(config: tokio_postgres::Config) -> Result<AsyncPgConnection, ConnectionError> {
    let (client, connection) = config
        .connect(tokio_postgres::NoTls)
        .await
        .map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}

/// One connection outside any pool, for migrations.
pub(crate) async fn connect_once(url: &SecretString) -> Result<AsyncPgConnection, ConnectionError> {
    let mut config = connection_config(url, "atlas migrate")
        .map_err(|error| ConnectionError::InvalidConnectionUrl(error.to_string()))?;
    // A migration may take long on a large table.
    config.options("-c lock_timeout=30s");
    establish(config).await
}
