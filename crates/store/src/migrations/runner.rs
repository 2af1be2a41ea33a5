//! Applying migrations, one after the other.

use std::fmt;
use std::time::{Duration, Instant};

use diesel::migration::Migration;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{
    AnsiTransactionManager, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl,
    SimpleAsyncConnection, TransactionManager,
};
use diesel_migrations::MigrationHarness;

use super::{MIGRATIONS, MigrateError};
use crate::connection::{Pooling, statements};
use crate::functions::{current_setting, pg_try_advisory_xact_lock};
use crate::pool::{LOCK_TIMEOUT, MIGRATION_SETTINGS, STATEMENT_SETTINGS};

/// Any number; all processes that migrate take this advisory lock, so that one of them does.
const LOCK: i64 = 7_249_001;

/// How often a process that waits for another one's migrations looks whether they are done. It does
/// not wait within a statement: an index that is built concurrently waits for every statement that
/// began before, and then each would wait for the other.
const LOCK_INTERVAL: Duration = Duration::from_millis(250);

/// For how long a migration that does not get its locks is begun again.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);
/// How long others pass before it is.
const LOCK_PAUSE: Duration = Duration::from_secs(1);

diesel::table! {
    pg_class (oid) {
        oid -> Oid,
        relname -> Text,
    }
}

diesel::table! {
    pg_index (indexrelid) {
        indexrelid -> Oid,
        indisvalid -> Bool,
    }
}

diesel::allow_tables_to_appear_in_same_query!(pg_class, pg_index);

/// Waits until no other process migrates, and keeps others from it until the connection is dropped.
///
/// The lock is that of a transaction, which leaves nothing behind in a session that a pooler hands to
/// others. An index that is built concurrently waits for every snapshot: that of the last statement is
/// kept until the next one, so the last one has none.
pub(super) async fn lock(
    mut connection: AsyncPgConnection,
) -> Result<AsyncPgConnection, MigrateError> {
    let begin = begin();
    loop {
        connection.batch_execute(&begin).await.map_err(failed)?;
        let locked: bool = diesel::select(pg_try_advisory_xact_lock(LOCK))
            .get_result(&mut connection)
            .await
            .map_err(failed)?;
        if locked {
            let without_snapshot = "SAVEPOINT locked";
            connection
                .batch_execute(without_snapshot)
                .await
                .map_err(failed)?;
            return Ok(connection);
        }
        connection.batch_execute("ROLLBACK").await.map_err(failed)?;
        tokio::time::sleep(LOCK_INTERVAL).await;
    }
}

/// Begins a transaction with the settings of migrations, also where a session keeps none.
fn begin() -> String {
    format!("BEGIN; {}", statements("SET LOCAL", MIGRATION_SETTINGS))
}

/// Applies what is missing, up to and with a version where one is given, and returns the versions.
pub(super) async fn apply(
    mut connection: AsyncPgConnection,
    last: Option<&str>,
    pooling: Pooling,
) -> Result<Vec<String>, MigrateError> {
    let mut harness = AsyncMigrationHarness::new(connection);
    let pending: Vec<Box<dyn Migration<Pg>>> =
        harness.pending_migrations(MIGRATIONS).map_err(failed)?;
    connection = harness.into_inner();
    let mut applied = Vec::new();
    for migration in pending {
        let version = migration.name().version().to_string();
        if last.is_some_and(|last| version.as_str() > last) {
            break;
        }
        connection = if migration.metadata().run_in_transaction() {
            run_in_transaction(connection, &*migration)
                .await
                .map_err(failed)?
        } else {
            if pooling == Pooling::Transaction {
                without_limits(&mut connection, &version).await?;
            }
            run_concurrently(connection, &*migration, pooling)
                .await
                .map_err(|error| MigrateError::Index(error.to_string()))?
        };
        applied.push(version);
    }
    if pooling == Pooling::Transaction {
        set_for_role(&mut connection).await.map_err(failed)?;
    }
    Ok(applied)
}

/// Gives the settings of the programs' sessions to the role, for this database: a pooler that hands
/// sessions to others keeps none. They apply to sessions that begin later.
async fn set_for_role(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    let settings = statements(
        "ALTER ROLE CURRENT_USER IN DATABASE %1$I SET",
        STATEMENT_SETTINGS,
    );
    let quoted = settings.replace('\'', "''");
    let all = format!("DO $do$ BEGIN EXECUTE format('{quoted}', current_database()); END $do$");
    connection.batch_execute(&all).await
}

/// Refuses to build an index where a limit of the role would end it: nothing can lift the limit for a
/// session that a pooler hands to others.
async fn without_limits(
    connection: &mut AsyncPgConnection,
    version: &str,
) -> Result<(), MigrateError> {
    let limits: (String, String) = diesel::select((
        current_setting("statement_timeout"),
        current_setting("lock_timeout"),
    ))
    .get_result(connection)
    .await
    .map_err(failed)?;
    if limits == ("0".to_owned(), "0".to_owned()) {
        Ok(())
    } else {
        Err(MigrateError::Pooled(version.to_owned()))
    }
}

/// Reverts every migration.
pub(super) fn revert(connection: AsyncPgConnection) -> Result<Vec<String>, MigrateError> {
    let mut harness = AsyncMigrationHarness::new(connection);
    let reverted = harness.revert_all_migrations(MIGRATIONS).map_err(failed)?;
    Ok(reverted.iter().map(ToString::to_string).collect())
}

/// Reverts the newest migration.
pub(super) fn revert_last(connection: AsyncPgConnection) -> Result<Vec<String>, MigrateError> {
    let mut harness = AsyncMigrationHarness::new(connection);
    let reverted = harness.revert_last_migration(MIGRATIONS).map_err(failed)?;
    Ok(vec![reverted.to_string()])
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn run(
    connection: AsyncPgConnection,
    migration: &dyn Migration<Pg>,
) -> Result<AsyncPgConnection, Failure> {
    let mut harness = AsyncMigrationHarness::new(connection);
    harness.run_migration(migration)?;
    Ok(harness.into_inner())
}

/// Whoever wants a table after a migration that waits for it waits, too. So a migration that does not
/// get its locks in the time that its transaction allows lets the others pass and begins again.
///
/// diesel does not say why a migration failed: one that failed for another reason after as long is
/// begun again, too, and has failed for good after [`LOCK_PATIENCE`].
async fn run_in_transaction(
    mut connection: AsyncPgConnection,
    migration: &dyn Migration<Pg>,
) -> Result<AsyncPgConnection, Failure> {
    let first = Instant::now();
    loop {
        let began = Instant::now();
        let (returned, ran) = try_in_transaction(connection, migration).await;
        connection = returned;
        match ran {
            Ok(()) => return Ok(connection),
            Err(error) if began.elapsed() >= LOCK_TIMEOUT && first.elapsed() < LOCK_PATIENCE => {
                let migration = migration.name().to_string();
                tracing::warn!(
                    migration,
                    error,
                    "is tried again: transactions hold its tables"
                );
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// A migration's own transaction is a part of this one, which the migration's failure ends.
async fn try_in_transaction(
    mut connection: AsyncPgConnection,
    migration: &dyn Migration<Pg>,
) -> (AsyncPgConnection, Result<(), String>) {
    let begun = AnsiTransactionManager::begin_transaction_sql(&mut connection, &begin()).await;
    if let Err(error) = begun {
        return (connection, Err(error.to_string()));
    }
    let mut harness = AsyncMigrationHarness::new(connection);
    let ran = harness.run_migration(migration).map(drop);
    let ran = ran.map_err(|error| error.to_string());
    let mut connection = harness.into_inner();
    let ended = if ran.is_ok() {
        AnsiTransactionManager::commit_transaction(&mut connection).await
    } else {
        AnsiTransactionManager::rollback_transaction(&mut connection).await
    };
    (
        connection,
        ran.and(ended.map_err(|error| error.to_string())),
    )
}

/// Such a migration waits for every transaction that is open, however long that takes: nobody waits
/// for it meanwhile.
async fn run_concurrently(
    mut connection: AsyncPgConnection,
    migration: &dyn Migration<Pg>,
    pooling: Pooling,
) -> Result<AsyncPgConnection, Failure> {
    let keeps_settings = pooling == Pooling::Session;
    let name = migration.name().to_string();
    tracing::info!(migration = name, "waits for transactions that are open");
    if keeps_settings {
        connection.batch_execute("SET lock_timeout = 0").await?;
    }
    if let Some((_, index)) = name.split_once('_') {
        drop_interrupted(&mut connection, index).await?;
    }
    connection = run(connection, migration)?;
    if keeps_settings {
        connection.batch_execute("RESET lock_timeout").await?;
    }
    Ok(connection)
}

/// Drops an index whose building was interrupted: it takes every write and serves no read.
async fn drop_interrupted(connection: &mut AsyncPgConnection, index: &str) -> Result<(), Failure> {
    let interrupted = pg_class::table
        .inner_join(pg_index::table.on(pg_index::indexrelid.eq(pg_class::oid)))
        .filter(pg_class::relname.eq(index))
        .filter(pg_index::indisvalid.eq(false))
        .select(pg_class::relname);
    let found: Option<String> = interrupted.first(connection).await.optional()?;
    if let Some(index) = found {
        tracing::warn!(
            index,
            "the building of this index was interrupted; it is built again"
        );
        let statement = format!("DROP INDEX CONCURRENTLY IF EXISTS {index}");
        connection.batch_execute(&statement).await?;
    }
    Ok(())
}

pub(super) fn failed(error: impl fmt::Display) -> MigrateError {
    MigrateError::Migration(error.to_string())
}
