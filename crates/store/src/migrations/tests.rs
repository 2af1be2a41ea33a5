//! Migrations that run outside a transaction, because they build or drop an index concurrently.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use atlas_test_support::TestDatabase;
use diesel_async::SimpleAsyncConnection;
use secrecy::SecretString;

use super::{migrate, on_own_thread, runner};
use crate::connection::Pooling;

fn directories() -> Vec<PathBuf> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let mut found: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
}

fn name(directory: &Path) -> &str {
    directory.file_name().unwrap().to_str().unwrap()
}

/// As diesel's runner records it.
fn version(directory: &Path) -> String {
    let (version, _) = name(directory).split_once('_').unwrap();
    version.replace('-', "")
}

fn is_concurrent(directory: &Path) -> bool {
    fs::read_to_string(directory.join("metadata.toml"))
        .is_ok_and(|text| text.contains("run_in_transaction = false"))
}

/// A file without its comments.
fn statement(directory: &Path, file: &str) -> String {
    let text = fs::read_to_string(directory.join(file)).unwrap();
    text.lines()
        .filter(|line| !line.starts_with("--"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn what_runs_outside_a_transaction_is_one_statement_that_can_be_repeated() {
    for directory in directories() {
        let name = name(&directory);
        for file in ["up.sql", "down.sql"] {
            let text = statement(&directory, file);
            if !is_concurrent(&directory) {
                assert!(!text.contains("CONCURRENTLY"), "{name}/{file}");
                continue;
            }
            assert!(!text.trim().trim_end_matches(';').contains(';'), "{name}");
            let built = ["CREATE INDEX", "CREATE UNIQUE INDEX"]
                .iter()
                .find_map(|create| {
                    text.strip_prefix(&format!("{create} CONCURRENTLY IF NOT EXISTS "))
                })
                .and_then(|rest| rest.split_whitespace().next());
            let dropped = text.strip_prefix("DROP INDEX CONCURRENTLY IF EXISTS ");
            assert!(built.or(dropped).is_some(), "{name}/{file}: {text}");
            if let ("up.sql", Some(index)) = (file, built) {
                let (_, rest) = name.split_once('_').unwrap();
                assert_eq!(rest, index, "the migration is named after its index");
            }
        }
    }
}

/// What takes something away that programs of an earlier version may use.
const TAKES_AWAY: &[&str] = &[
    "DROP TABLE",
    "DROP COLUMN",
    "DROP FUNCTION",
    "DROP DEFAULT",
    "RENAME ",
    "SET NOT NULL",
    "SET DATA TYPE",
    " TYPE ",
];

/// The program that an `up.sql` requires.
fn required(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("UPDATE schema_compatibility SET oldest_program = '")?;
    rest.split_once('\'').map(|(version, _)| version)
}

#[test]
fn a_migration_that_takes_something_away_says_which_programs_still_work() {
    let directories = directories();
    let versions: Vec<String> = directories.iter().map(|one| version(one)).collect();
    let begin = directories
        .iter()
        .position(|one| name(one).ends_with("_schema_compatibility"))
        .unwrap();
    let mut oldest = versions[begin].clone();
    for (directory, own) in directories.iter().zip(&versions).skip(begin + 1) {
        let (name, text) = (name(directory), statement(directory, "up.sql"));
        let taken = TAKES_AWAY.iter().find(|words| text.contains(**words));
        match (required(&text), taken) {
            (None, None) => {}
            (None, Some(words)) => panic!(
                "{name}: {words} without UPDATE schema_compatibility SET oldest_program = '…'; see \
                 docs/HOW-TO-ADD.md"
            ),
            (Some(program), _) => {
                assert!(
                    versions.iter().any(|one| one == program),
                    "{name}: {program}"
                );
                assert!(
                    oldest.as_str() <= program && program < own.as_str(),
                    "{name} has to let programs run that are older than itself, and none that an \
                     earlier migration stopped: {program}"
                );
                let down = statement(directory, "down.sql");
                assert_eq!(required(&down), Some(oldest.as_str()), "{name}/down.sql");
                program.clone_into(&mut oldest);
            }
        }
    }
}

/// A database that has every migration before the first one that builds an index concurrently.
struct Unbuilt {
    database: TestDatabase,
    url: SecretString,
    index: String,
    build: String,
}

impl Unbuilt {
    async fn create() -> Self {
        let database = TestDatabase::empty().await;
        let url = SecretString::from(database.url());
        let directories = directories();
        let first = directories
            .iter()
            .position(|one| is_concurrent(one) && statement(one, "up.sql").starts_with("CREATE"))
            .unwrap();
        let last = version(&directories[first - 1]);
        on_own_thread(&url, Pooling::Session, async move |connection| {
            runner::apply(connection, Some(&last), Pooling::Session).await
        })
        .await
        .unwrap();
        Self {
            index: name(&directories[first])
                .split_once('_')
                .unwrap()
                .1
                .to_owned(),
            build: statement(&directories[first], "up.sql"),
            database,
            url,
        }
    }

    /// A transaction with a snapshot, for which an index that is built concurrently waits.
    async fn open_transaction(&self) -> tokio_postgres::Client {
        let client = self.database.connection().await;
        client
            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
            .await
            .unwrap();
        client
    }

    /// Whether the index serves reads; `None` when it is not there.
    async fn is_valid(&self) -> Option<bool> {
        let client = self.database.connection().await;
        let row = client
            .query_opt(
                "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)::oid",
                &[&self.index],
            )
            .await
            .unwrap();
        row.map(|row| row.get(0))
    }

    /// Returns when somebody has waited for an open transaction for 200 ms.
    async fn somebody_waits(&self) {
        let client = self.database.connection().await;
        let waits = "SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
            WHERE a.datname = current_database() AND l.locktype = 'virtualxid' AND NOT l.granted
                AND l.waitstart < clock_timestamp() - interval '200 milliseconds')";
        let until = tokio::time::Instant::now() + Duration::from_secs(30);
        while !client
            .query_one(waits, &[])
            .await
            .unwrap()
            .get::<_, bool>(0)
        {
            assert!(tokio::time::Instant::now() < until, "nobody waits");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn an_index_whose_building_was_interrupted_is_built_again() {
    let stage = Unbuilt::create().await;
    let open = stage.open_transaction().await;
    let interrupted = stage.database.connection().await;
    interrupted
        .batch_execute("SET statement_timeout = '300ms'")
        .await
        .unwrap();
    assert!(interrupted.batch_execute(&stage.build).await.is_err());
    assert_eq!(stage.is_valid().await, Some(false));
    drop(open);
    migrate(&stage.url).await.unwrap();
    assert_eq!(stage.is_valid().await, Some(true));
}

#[tokio::test]
async fn an_index_that_was_built_before_its_migration_was_recorded_is_kept() {
    let stage = Unbuilt::create().await;
    let client = stage.database.connection().await;
    client.batch_execute(&stage.build).await.unwrap();
    let identity = "SELECT to_regclass($1)::oid";
    let before: u32 = client
        .query_one(identity, &[&stage.index])
        .await
        .unwrap()
        .get(0);
    migrate(&stage.url).await.unwrap();
    let after: u32 = client
        .query_one(identity, &[&stage.index])
        .await
        .unwrap()
        .get(0);
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_build_waits_for_an_open_transaction_for_longer_than_for_a_lock() {
    let stage = Unbuilt::create().await;
    let open = stage.open_transaction().await;
    let migrating = on_own_thread(&stage.url, Pooling::Session, async |mut connection| {
        connection
            .batch_execute("SET lock_timeout = '50ms'")
            .await
            .unwrap();
        runner::apply(connection, None, Pooling::Session).await
    });
    let released = async {
        stage.somebody_waits().await;
        drop(open);
    };
    let (applied, ()) = tokio::join!(migrating, released);
    assert!(!applied.unwrap().is_empty());
    assert_eq!(stage.is_valid().await, Some(true));
}

#[tokio::test]
async fn processes_that_migrate_at_once_do_not_wait_for_each_other() {
    let stage = Unbuilt::create().await;
    let open = stage.open_transaction().await;
    let released = async {
        stage.somebody_waits().await;
        drop(open);
    };
    let (first, second, ()) = tokio::join!(migrate(&stage.url), migrate(&stage.url), released);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(
        first.is_empty() != second.is_empty(),
        "one of them migrates"
    );
    assert_eq!(stage.is_valid().await, Some(true));
}

/// Returns when a migration that waits for the lock of a table has given that up, or has not.
async fn waits_for_a_table(client: &tokio_postgres::Client, wanted: bool) {
    let waits = "SELECT EXISTS (SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE a.datname = current_database() AND l.mode = 'AccessExclusiveLock' AND NOT l.granted)";
    let until = tokio::time::Instant::now() + Duration::from_secs(30);
    while client
        .query_one(waits, &[])
        .await
        .unwrap()
        .get::<_, bool>(0)
        != wanted
    {
        assert!(tokio::time::Instant::now() < until, "{wanted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_migration_whose_table_is_held_lets_others_pass_and_begins_again() {
    let database = TestDatabase::empty().await;
    let url = SecretString::from(database.url());
    // The next one after it changes operation_runs.
    super::migrate_to(&url, "20261130000032").await.unwrap();
    let holder = database.connection().await;
    let hold = "BEGIN; LOCK TABLE operation_runs IN ACCESS SHARE MODE";
    holder.batch_execute(hold).await.unwrap();
    let watcher = database.connection().await;
    let others = async {
        for _ in 0..2 {
            waits_for_a_table(&watcher, true).await;
            // Behind the migration, for as long as a program waits for a lock.
            let read = "SET lock_timeout = '5s'; SELECT 1 FROM operation_runs LIMIT 1";
            watcher.batch_execute(read).await.unwrap();
            waits_for_a_table(&watcher, false).await;
        }
        holder.batch_execute("COMMIT").await.unwrap();
    };
    let (applied, ()) = tokio::join!(migrate(&url), others);
    assert!(applied.unwrap().contains(&"20261130000040".to_owned()));
}
