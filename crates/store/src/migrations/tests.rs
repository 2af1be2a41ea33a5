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
        let version = |at: usize| -> String {
            let (version, _) = name(&directories[at]).split_once('_').unwrap();
            version.replace('-', "")
        };
        let last = version(first - 1);
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
