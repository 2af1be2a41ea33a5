//! The schema: embedded migrations, and whether this program works with the database's.
//!
//! A migration runs in a transaction of its own. One that builds or drops an index of a large table
//! concurrently cannot: its `metadata.toml` says `run_in_transaction = false`, it holds one statement,
//! and one that builds is named after its index, so that what an interrupted build has left behind is
//! found and built again.

mod compatibility;
mod runner;
#[cfg(test)]
mod tests;

use diesel_async::AsyncPgConnection;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use secrecy::SecretString;

use crate::connection::{ConnectFailure, Connector, Pooling, UrlError};
use crate::fitness::{self, DatabaseFault};
use crate::pool::connect_once;

#[cfg(test)]
pub(crate) use compatibility::STATEMENTS;
pub use compatibility::{SchemaState, schema_version};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Migrating failed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The URL, or a file that it names.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// No connection.
    #[error("cannot connect to the database")]
    Connect(#[source] ConnectFailure),
    /// No migration could make this database one that the programs can work with.
    #[error(transparent)]
    Unfit(#[from] DatabaseFault),
    /// A migration failed and was rolled back.
    #[error("a migration failed and was rolled back: {0}")]
    Migration(String),
    /// An index could not be built or dropped concurrently. The next run begins with it again.
    #[error("an index could not be built or dropped; migrate again: {0}")]
    Index(String),
    /// A pooler hands the session to others, and a limit of the role would end the building of an
    /// index.
    #[error(
        "migration {0} builds or drops an index, which may take longer than statements over the pooler \
         may: run atlas migrate with a DATABASE_URL that names PostgreSQL itself, without \
         ATLAS_DATABASE_POOLER"
    )]
    Pooled(String),
}

/// Applies the migrations that are missing, in order, and returns their names. Safe to call from
/// several processes at once.
///
/// # Errors
/// [`MigrateError`]; what was applied before stays applied.
pub async fn migrate(database_url: &SecretString) -> Result<Vec<String>, MigrateError> {
    migrate_through(database_url, Pooling::Session).await
}

/// The same through a pooler. One of transactions keeps no settings: what the programs need is set for
/// the role, in this database.
///
/// # Errors
/// [`MigrateError`]; what was applied before stays applied.
pub async fn migrate_through(
    database_url: &SecretString,
    pooling: Pooling,
) -> Result<Vec<String>, MigrateError> {
    on_own_thread(database_url, pooling, async move |connection| {
        runner::apply(connection, None, pooling).await
    })
    .await
}

/// Applies the migrations up to this version (the digits of its directory's name) and no later one:
/// for tests of upgrades.
///
/// # Errors
/// [`MigrateError`]; what was applied before stays applied.
pub async fn migrate_to(
    database_url: &SecretString,
    version: impl Into<String>,
) -> Result<Vec<String>, MigrateError> {
    let (version, pooling) = (version.into(), Pooling::Session);
    on_own_thread(database_url, pooling, async move |connection| {
        runner::apply(connection, Some(&version), pooling).await
    })
    .await
}

/// Reverts every migration: for tests of the way down.
///
/// # Errors
/// [`MigrateError`].
pub async fn revert_all(database_url: &SecretString) -> Result<Vec<String>, MigrateError> {
    on_own_thread(database_url, Pooling::Session, async |connection| {
        runner::revert(connection)
    })
    .await
}

/// Reverts the newest migration: for tests of a schema that is older than the programs.
///
/// # Errors
/// [`MigrateError`].
pub async fn revert_last(database_url: &SecretString) -> Result<Vec<String>, MigrateError> {
    on_own_thread(database_url, Pooling::Session, async |connection| {
        runner::revert_last(connection)
    })
    .await
}

/// Runs `work` with a connection while another one holds the lock of migrations, on a thread and
/// runtime of its own: diesel's runner blocks its thread, which a current-thread runtime such as
/// actix's or a test's does not survive.
async fn on_own_thread(
    database_url: &SecretString,
    pooling: Pooling,
    work: impl AsyncFnOnce(AsyncPgConnection) -> Result<Vec<String>, MigrateError> + Send + 'static,
) -> Result<Vec<String>, MigrateError> {
    let connector = Connector::new(database_url, "atlas migrate", pooling)?;
    let (answer, answered) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let result = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| MigrateError::Migration(error.to_string()))
            .and_then(|runtime| {
                runtime.block_on(async {
                    let mut connection = connect(&connector).await?;
                    let fault = fitness::fault(&mut connection).await;
                    if let Some(fault) = fault.map_err(runner::failed)? {
                        return Err(fault.into());
                    }
                    let lock = runner::lock(connect(&connector).await?).await?;
                    let worked = work(connection).await;
                    drop(lock);
                    worked
                })
            });
        let _ = answer.send(result);
    });
    answered
        .await
        .map_err(|_| MigrateError::Migration("the migration panicked".to_owned()))?
}

async fn connect(connector: &Connector) -> Result<AsyncPgConnection, MigrateError> {
    connect_once(connector).await.map_err(MigrateError::Connect)
}
