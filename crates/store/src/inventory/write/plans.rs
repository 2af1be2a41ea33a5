//! How a sync finds items in a database that was never analyzed, as a new one is at its first syncs:
//! the planner knows nothing of the tables then but their sizes.

use atlas_test_support::TestDatabase;
use tokio_postgres::Client;

use crate::explain::lines;
use crate::statement::Info;

/// Two thousand items of one policy type of one tenant.
const ITEMS: &str = include_str!("plans/items.sql");

/// The lines of the plan that a prepared statement settles on.
async fn settled_plan(client: &Client, info: &Info) -> String {
    let nulls = vec!["NULL"; info.parameters.len()].join(", ");
    let explained = format!(
        "SET plan_cache_mode = force_generic_plan; PREPARE planned AS {};
        EXPLAIN (COSTS off) EXECUTE planned ({nulls}); DEALLOCATE planned",
        info.text
    );
    lines(client, &explained).await
}

async fn assert_items_are_found_by_their_key(client: &Client) {
    for info in [super::touch::STATEMENTS, super::differing::STATEMENTS].concat() {
        let plan = settled_plan(client, &info).await;
        // By the whole key, or by tenant and external id, which hardly two items share.
        let lookups = ["key", "by_external_id"].map(|index| {
            let scan = format!("Index Scan using inventory_items_{index} on");
            plan.matches(&scan).count()
        });
        assert_eq!(lookups.iter().sum::<usize>(), 1, "{}: {plan}", info.file);
        for several in ["type_name", "by_name", "category_name"] {
            assert!(!plan.contains(several), "{}: {plan}", info.file);
        }
        assert!(!plan.contains("Seq Scan on inventory_links l\n"), "{plan}");
    }
}

#[tokio::test]
async fn the_first_sync_of_a_new_database_finds_each_item_by_its_whole_key() {
    let database = TestDatabase::create().await;
    let client = database.connection().await;
    assert_items_are_found_by_their_key(&client).await;
    client.batch_execute(ITEMS).await.unwrap();
    assert_items_are_found_by_their_key(&client).await;
}
