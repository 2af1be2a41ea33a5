//! The schema: embedded migrations, and whether the database is at this version's.

use std::fmt;

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use secrecy::SecretString;

use crate::error::StoreError;
use crate::pool::{Store, connect_once};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Any number; all processes that migrate take this advisory lock, so that one of them does.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_lock(7249001)";

/// How the database's schema relates to the one this program was built for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaState {
    /// The same.
    Current,
    /// Migrations are missing.
    Behind {
        /// Their versions.
        missing: Vec<String>,
    },
    /// A newer program has migrated it.
    Ahead {
        /// Versions that this program does not know.
        unknown: Vec<String>,
    },
}

impl fmt::Display for SchemaState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("the schema is current"),
            Self::Behind { missing } => write!(
                f,
                "the schema is behind this version by {} migrations; run atlas migrate",
                missing.len()
            ),
            Self::Ahead { unknown } => write!(
                f,
                "the schema is ahead of this version by {} migrations; run a newer version",
                unknown.len()
            ),
        }
    }
}

/// Migrating failed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// No connection.
    #[error("cannot connect to the database: {0}")]
    Connect(#[source] diesel::ConnectionError),
    /// A migration failed and was rolled back.
    #[error("a migration failed and was rolled back: {0}")]
    Migration(String),
}

/// Applies the migrations that are missing, in order, and returns their names. Safe to call from
/// several processes at once.
///
/// # Errors
/// [`MigrateError`]; what was applied before stays applied.
pub async fn migrate(database_url: &SecretString) -> Result<Vec<String>, MigrateError> {
    harness(database_url, |harness| {
        let applied = harness.run_pending_migrations(MIGRATIONS).map_err(failed)?;
        Ok(applied.iter().map(ToString::to_string).collect())
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
    version: &'static str,
) -> Result<Vec<String>, MigrateError> {
    harness(database_url, move |harness| {
        let pending: Vec<Box<dyn Migration<Pg>>> =
            harness.pending_migrations(MIGRATIONS).map_err(failed)?;
        let wanted = pending.iter().filter(|one| {
            let name = one.name().version().to_string();
            name.as_str() <= version
        });
        wanted
            .map(|one| {
                let applied = harness.run_migration(one).map_err(failed)?;
                Ok(applied.to_string())
            })
            .collect()
    })
    .await
}

/// Reverts every migration: for tests of the way down.
///
/// # Errors
/// [`MigrateError`].
pub async fn revert_all(database_url: &SecretString) -> Result<Vec<String>, MigrateError> {
    harness(database_url, |harness| {
        let reverted = harness.revert_all_migrations(MIGRATIONS).map_err(failed)?;
        Ok(reverted.iter().map(ToString::to_string).collect())
    })
    .await
}

type Harness = AsyncMigrationHarness<diesel_async::AsyncPgConnection>;

/// Runs `work` on a thread and runtime of its own: the harness blocks its thread, which a
/// current-thread runtime such as actix's or a test's does not survive.
async fn harness(
    database_url: &SecretString,
    work: impl FnOnce(&mut Harness) -> Result<Vec<String>, MigrateError> + Send + 'static,
) -> Result<Vec<String>, MigrateError> {
    let url = database_url.clone();
    let (answer, answered) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let result = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| MigrateError::Migration(error.to_string()))
            .and_then(|runtime| {
                runtime.block_on(async {
                    let mut connection = connect_once(&url).await.map_err(MigrateError::Connect)?;
                    sql_query(MIGRATION_LOCK)
                        .execute(&mut connection)
                        .await
                        .map_err(failed)?;
                    // The lock ends with the connection.
                    work(&mut AsyncMigrationHarness::new(connection))
                })
            });
        let _ = answer.send(result);
    });
    answered
        .await
        .map_err(|_| MigrateError::Migration("the migration panicked".to_owned()))?
}

fn failed(error: impl fmt::Display) -> MigrateError {
    MigrateError::Migration(error.to_string())
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

impl Store {
    /// Compares the migrations that were applied with those of this program.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn schema_state(&self) -> Result<SchemaState, StoreError> {
        let mut connection = self.connection().await?;
        let applied: Vec<Applied> =
            match sql_query("SELECT version FROM __diesel_schema_migrations ORDER BY version")
                .load(&mut connection)
                .await
            {
                Ok(rows) => rows,
                // An empty database has no table of migrations.
                Err(error) if error.to_string().contains("does not exist") => Vec::new(),
                Err(error) => return Err(error.into()),
            };
        let known = known_versions();
        let applied: Vec<String> = applied.into_iter().map(|row| row.version).collect();
        let unknown: Vec<_> = applied
            .iter()
            .filter(|version| !known.contains(version))
            .cloned()
            .collect();
        let missing: Vec<_> = known
            .into_iter()
            .filter(|version| !applied.contains(version))
            .collect();
        Ok(match (missing.is_empty(), unknown.is_empty()) {
            (true, true) => SchemaState::Current,
            (_, false) => SchemaState::Ahead { unknown },
            (false, true) => SchemaState::Behind { missing },
        })
    }
}

fn known_versions() -> Vec<String> {
    let migrations: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS
        .migrations()
        .expect("embedded migrations are readable");
    migrations
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect()
}
