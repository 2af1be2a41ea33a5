//! Lists that wait, and those who must not wait for them.

use std::time::{Duration, Instant};

use atlas_store::{Heartbeat, ItemFilter, NotificationFilter, PageRequest, StoreError};
use atlas_test_support::{Scenario, eventually};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::{Stage, terms};

/// As many as a test's store has for reads.
const CONNECTIONS: usize = 4;
/// As many as it has for statements in files.
const STATEMENT_CONNECTIONS: usize = 8;
/// What nobody waits longer for who does not want what is locked; less than any limit.
const AT_ONCE: Duration = Duration::from_secs(4);

impl Stage {
    /// Lets whoever wants the table wait while the session lives.
    async fn lock(&self, table: &str) -> Client {
        let client = self.database.connection().await;
        let sql = format!("BEGIN; LOCK TABLE {table}");
        client.batch_execute(&sql).await.unwrap();
        client
    }

    /// Reads notifications, beside the test.
    fn list(&self) -> JoinHandle<Result<(), StoreError>> {
        let (store, user) = (self.store.clone(), self.operator.id);
        tokio::spawn(async move {
            let page = PageRequest::first(50);
            store
                .notifications(user, &NotificationFilter::unread(false), page)
                .await
                .map(drop)
        })
    }

    /// Waits until so many statements of the store wait for a lock.
    async fn blocked(&self, wanted: usize) {
        let client = self.database.connection().await;
        let wanted = i64::try_from(wanted).unwrap();
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
            AND application_name = 'test' AND wait_event_type = 'Lock'";
        eventually("lists to wait, or to be gone", || async {
            let count: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
            (count == wanted).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_list_that_nobody_waits_for_is_cancelled_and_its_connection_replaced() {
    let stage = Stage::set().await;
    let holder = stage.lock("notifications").await;
    for _ in 0..2 {
        let lists: Vec<_> = (0..CONNECTIONS).map(|_| stage.list()).collect();
        stage.blocked(CONNECTIONS).await;
        let hung_up = Instant::now();
        for list in lists {
            list.abort();
        }
        stage.blocked(0).await;
        // What is not locked can be read, although all connections for reads were in use.
        let tenants = stage.store.all_tenants().await.unwrap();
        assert_eq!(tenants.len(), 1);
        assert!(hung_up.elapsed() < AT_ONCE, "{:?}", hung_up.elapsed());
    }
    drop(holder);
    stage.list().await.unwrap().unwrap();
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_is_cancelled_and_holds_up_nobody() {
    let stage = Stage::set().await;
    let _holder = stage.lock("operation_runs").await;
    let counts = (0..STATEMENT_CONNECTIONS).map(|_| {
        let store = stage.store.clone();
        tokio::spawn(async move { store.due_count().await })
    });
    let counts: Vec<_> = counts.collect();
    stage.blocked(STATEMENT_CONNECTIONS).await;
    let hung_up = Instant::now();
    for count in counts {
        count.abort();
    }
    stage.blocked(0).await;
    stage.store.ping().await.unwrap();
    assert!(hung_up.elapsed() < AT_ONCE, "{:?}", hung_up.elapsed());
}

#[tokio::test]
async fn a_list_that_takes_too_long_is_refused_as_busy() {
    let stage = Stage::set().await;
    let _holder = stage.lock("notifications").await;
    let answer = stage.list().await.unwrap();
    assert!(matches!(answer, Err(StoreError::Busy(_))), "{answer:?}");
}

#[tokio::test]
async fn starts_and_claims_do_not_wait_for_lists() {
    let stage = Stage::set().await;
    let _holder = stage.lock("inventory_items").await;
    let tenant = stage.tenant.id;
    let lists = (0..2 * CONNECTIONS).map(|_| {
        let store = stage.store.clone();
        tokio::spawn(async move {
            let filter = ItemFilter::default();
            let items = store.items(tenant, &filter, PageRequest::first(50)).await;
            items.map(drop)
        })
    });
    let lists: Vec<_> = lists.collect();
    stage.blocked(CONNECTIONS).await;
    let begun = Instant::now();
    let permit = Scenario::permit(tenant, stage.operator.id);
    let admitted = stage.store.admit(permit, Scenario::start("{}")).await;
    admitted.unwrap();
    let claim = stage.store.claim_next(&terms("w")).await.unwrap().unwrap();
    let renewed = stage
        .store
        .heartbeat(&claim.lease, Duration::from_secs(45), None);
    assert!(matches!(renewed.await, Ok(Heartbeat::Renewed { .. })));
    stage.store.hand_back(claim).await.unwrap();
    stage.blocked(CONNECTIONS).await;
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    for list in lists {
        list.abort();
    }
}
