//! How statements about the whole installation find their rows: by indexes, whatever the values.

use atlas_test_support::TestDatabase;
use tokio_postgres::Client;

use crate::explain::{lines, pages};
use crate::statement::Info;

/// Tables that grow without end.
const LARGE: [&str; 4] = [
    "operation_runs",
    "notifications",
    "audit_events",
    "inventory_changes",
];

/// Both kinds of plan that a prepared statement may get.
const MODES: [&str; 2] = ["force_custom_plan", "force_generic_plan"];

async fn seeded() -> (TestDatabase, Client) {
    let database = TestDatabase::create().await;
    let client = database.connection().await;
    client
        .batch_execute(include_str!("plans/seed.sql"))
        .await
        .unwrap();
    (database, client)
}

/// The lines of a statement's plan, run with these values and undone.
async fn plan(client: &Client, info: &Info, values: &str, mode: &str) -> String {
    let statement = format!(
        "BEGIN; SET LOCAL atlas.retention = 'on'; SET LOCAL plan_cache_mode = {mode};
        PREPARE planned AS {};
        EXPLAIN (ANALYZE, BUFFERS, COSTS off, TIMING off, SUMMARY off) EXECUTE planned ({values});
        DEALLOCATE planned; ROLLBACK",
        info.text
    );
    lines(client, &statement).await
}

/// How old a row has to be, in milliseconds, and how many rows a batch has. Some ages are fixed.
fn retention_values(info: &Info, age: u64) -> String {
    if info.parameters.len() == 1 {
        "500".to_owned()
    } else {
        format!("{age}, 500")
    }
}

fn reads_a_large_table_whole(plan: &str) -> bool {
    LARGE
        .iter()
        .any(|table| plan.contains(&format!("Seq Scan on {table}")))
}

#[tokio::test]
async fn retention_that_finds_nothing_to_delete_reads_no_table_whole() {
    let (_database, client) = seeded().await;
    for info in super::retention::STATEMENTS {
        if info.parameters.is_empty() {
            continue;
        }
        let values = retention_values(info, 7776000000);
        for mode in MODES {
            let plan = plan(&client, info, &values, mode).await;
            assert!(!reads_a_large_table_whole(&plan), "{}: {plan}", info.file);
            let pages = pages(&plan);
            assert!(pages < 300, "{}: {pages} pages: {plan}", info.file);
        }
    }
}

#[tokio::test]
async fn retention_finds_what_is_too_old_by_indexes_also_when_that_is_most_of_a_table() {
    let (_database, client) = seeded().await;
    for info in super::retention::STATEMENTS {
        if info.parameters.is_empty() {
            continue;
        }
        let values = retention_values(info, 86400000);
        for mode in MODES {
            let plan = plan(&client, info, &values, mode).await;
            assert!(!reads_a_large_table_whole(&plan), "{}: {plan}", info.file);
        }
    }
}

#[tokio::test]
async fn the_statistics_of_queues_read_active_runs_and_those_of_the_last_hour_only() {
    let (_database, client) = seeded().await;
    let stats = &super::queues::STATEMENTS[0];
    for mode in MODES {
        let plan = plan(&client, stats, "ARRAY['inventory_sync']", mode).await;
        assert!(!reads_a_large_table_whole(&plan), "{plan}");
        assert!(plan.contains("operation_runs_completed"), "{plan}");
        let asked = plan.matches("operation_runs_one_running").count();
        assert_eq!(asked, 1, "once for each queued run: {plan}");
        let pages = pages(&plan);
        assert!(pages < 1000, "{pages} pages: {plan}");
    }
}

#[tokio::test]
async fn the_plan_of_a_sweep_reads_active_runs_only() {
    let (_database, client) = seeded().await;
    let statements = crate::runs::statements();
    let of_sweeps = |info: &&Info| info.file == "runs/plan_sweep";
    let info = statements.iter().find(of_sweeps).unwrap();
    for mode in MODES {
        let kinds = "ARRAY['inventory_sync', 'directory_groups_sync']";
        let plan = plan(&client, info, kinds, mode).await;
        assert!(!reads_a_large_table_whole(&plan), "{plan}");
        let pages = pages(&plan);
        assert!(pages < 1000, "{pages} pages: {plan}");
    }
}

#[tokio::test]
async fn the_ages_of_syncs_are_first_entries_of_an_index() {
    let (_database, client) = seeded().await;
    // As autovacuum leaves it: the index alone answers.
    client.batch_execute("VACUUM operation_runs").await.unwrap();
    let ages = &super::freshness::STATEMENTS[0];
    for mode in MODES {
        let kinds = "ARRAY['inventory_sync', 'directory_groups_sync']";
        let plan = plan(&client, ages, kinds, mode).await;
        assert!(!reads_a_large_table_whole(&plan), "{plan}");
        assert!(plan.contains("operation_runs_outcome"), "{plan}");
        // Each tenant here has runs of one kind, all of which are passed over for the other.
        let pages = pages(&plan);
        assert!(pages < 2_000, "{pages} pages: {plan}");
    }
}
