//! Reads in an installation of a million runs and a million items, as the files of `tests/scale` make it:
//! how much of the database each list touches, whatever plan the connection has settled on.

mod pages;
mod reads;
mod year;

use atlas_store::Store;
use atlas_test_support::{TestDatabase, eventually};
use tokio_postgres::Client;

use self::reads::Read;

const SEED: [&str; 2] = [
    include_str!("../../../../tests/scale/seed.sql"),
    include_str!("../../../../tests/scale/seed_later.sql"),
];
/// From the sixth execution on PostgreSQL may take a generic plan.
const CALLS_UNTIL_SETTLED: usize = 10;
/// Rows of a page.
const PAGE: i64 = 50;
/// A list touches at most as many buffers as twenty pages have rows.
const BUFFERS: i64 = 20 * PAGE;

/// Buffers of tables, indexes and large values that ended sessions have touched.
const TOUCHED: &str = "SELECT coalesce(sum(heap_blks_read + heap_blks_hit + idx_blks_read \
    + idx_blks_hit + coalesce(toast_blks_read + toast_blks_hit, 0) \
    + coalesce(tidx_blks_read + tidx_blks_hit, 0)), 0)::bigint FROM pg_statio_user_tables";
const OTHER_SESSIONS: &str = "SELECT count(*) FROM pg_stat_activity \
    WHERE datname = current_database() AND pid <> pg_backend_pid()";
/// Vacuuming counts as touching.
const NO_VACUUM: &str = "DO $$ DECLARE t regclass; BEGIN \
    FOR t IN SELECT c.oid FROM pg_class c WHERE c.relkind = 'r' \
        AND c.relnamespace = 'public'::regnamespace \
    LOOP EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', t); END LOOP; END $$";

/// A seeded database.
struct Seeded {
    database: TestDatabase,
    admin: Client,
}

impl Seeded {
    async fn of(runs: u32, items: u32) -> Self {
        let database = TestDatabase::create().await;
        let admin = database.connection().await;
        let sizes = format!("SET seed.runs = {runs}; SET seed.items = {items}");
        admin.batch_execute(&sizes).await.unwrap();
        admin.batch_execute(NO_VACUUM).await.unwrap();
        for part in SEED {
            admin.batch_execute(part).await.unwrap();
        }
        admin.batch_execute("DISCARD TEMP").await.unwrap();
        Self { database, admin }
    }

    async fn number(&self, sql: &str) -> i64 {
        self.admin.query_one(sql, &[]).await.unwrap().get(0)
    }

    async fn text(&self, sql: &str) -> String {
        self.admin.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Buffers that the last of some calls touches. What sessions touch is counted for certain when
    /// they end, so the calls before it are counted in a session without it.
    async fn buffers_of_last_call(&self, read: &Read) -> i64 {
        let before = self.buffers_of_calls(read, CALLS_UNTIL_SETTLED).await;
        self.buffers_of_calls(read, CALLS_UNTIL_SETTLED + 1).await - before
    }

    async fn buffers_of_calls(&self, read: &Read, calls: usize) -> i64 {
        let before = self.number(TOUCHED).await;
        // One call after the other: the pool makes one connection and hands it out again.
        let store = self.database.store();
        for _ in 0..calls {
            let rows = read.call(&store).await;
            assert!(rows > 0 || read.finds_nothing(), "{}: no rows", read.name());
        }
        self.end_sessions(store).await;
        self.number(TOUCHED).await - before
    }

    async fn end_sessions(&self, store: Store) {
        drop(store);
        eventually("the store's sessions end", || async {
            (self.number(OTHER_SESSIONS).await == 0).then_some(())
        })
        .await;
    }
}

/// The million is too much for every run of the tests; this says that its rows are what they claim.
#[tokio::test]
async fn the_seed_writes_rows_as_the_programs_do() {
    let seeded = Seeded::of(2_000, 2_000).await;
    let store = seeded.database.store();
    let default = atlas_domain::selection::SelectionRequest::default();
    let default = atlas_domain::run::RunInputs::InventorySync(default.resolve().unwrap());
    let stored: serde_json::Value = serde_json::from_str(
        &seeded
            .text("SELECT inputs::text FROM operation_runs WHERE status = 'running' LIMIT 1")
            .await,
    )
    .unwrap();
    let expected: serde_json::Value = serde_json::from_str(&default.normal_form()).unwrap();
    assert_eq!(stored, expected, "every policy type is selected");

    let tenant = reads::tenant(1);
    let identity = atlas_domain::run::identity::RunIdentity::of(tenant, &default);
    let alike = format!(
        "SELECT count(*) FROM operation_runs WHERE identity = '{identity}' \
         AND tenant_id = '{tenant}' AND status = 'running'"
    );
    assert_eq!(
        seeded.number(&alike).await,
        1,
        "an identity is the programs'"
    );

    for read in reads::all(&seeded).await {
        let rows = read.call(&store).await;
        assert!(rows > 0 || read.finds_nothing(), "{}: no rows", read.name());
    }
    let runs = pages::all_runs(&store, reads::member_of_all()).await;
    assert_eq!(runs, 2_000, "each is read and understood");
}

#[tokio::test]
#[ignore = "seeds a million rows, which takes minutes: cargo xtask scale"]
async fn a_list_among_a_million_rows_touches_at_most_twenty_pages_of_them() {
    let seeded = Seeded::of(1_000_000, 1_000_000).await;
    // Else the first reader of a row would do a part of it.
    seeded.admin.batch_execute("VACUUM").await.unwrap();
    let mut exceeding = Vec::new();
    for read in reads::all(&seeded).await {
        let buffers = seeded.buffers_of_last_call(&read).await;
        println!("{buffers:>9} buffers  {}", read.name());
        let most = read.most_buffers();
        if buffers > most {
            exceeding.push(format!("{buffers:>9} of {most}  {}", read.name()));
        }
    }
    assert!(
        exceeding.is_empty(),
        "too many buffers:\n{}",
        exceeding.join("\n")
    );
}
