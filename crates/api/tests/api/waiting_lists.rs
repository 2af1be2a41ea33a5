//! Lists that wait for the database: whose callers hang up, and beside which others go on.

use std::time::{Duration, Instant};

use atlas_domain::ids::WorkerId;
use atlas_domain::run::lease::LeaseTerms;
use atlas_test_support::eventually;
use futures::future::join_all;
use reqwest::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::Stage;

/// The connections that the API of a test has for lists.
const CONNECTIONS: usize = 4;
/// Less than every time limit, so that nothing has ended by itself.
const AT_ONCE: Duration = Duration::from_secs(4);

impl Stage {
    /// Locks the table until what is returned is dropped.
    async fn lock(&self, table: &str) -> impl Sized {
        let client = self.database.connection().await;
        let sql = format!("BEGIN; LOCK TABLE {table}");
        client.batch_execute(&sql).await.unwrap();
        client
    }

    /// Asks over a connection of its own.
    async fn call(&self, path: &str) -> TcpStream {
        self.send(&self.head(path)).await
    }

    async fn send(&self, request: &str) -> TcpStream {
        let address = self.api.base.strip_prefix("http://").unwrap();
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        connection
    }

    /// Calls over `count` connections at once.
    async fn call_often(&self, count: usize, path: &str) -> Vec<TcpStream> {
        join_all((0..count).map(|_| self.call(path))).await
    }

    fn head(&self, path: &str) -> String {
        let token = &self.operator.token;
        format!("GET {path} HTTP/1.1\r\nhost: api.test\r\nauthorization: Bearer {token}\r\n\r\n")
    }

    /// Returns when exactly `wanted` statements of the API wait for a lock.
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
async fn a_list_whose_caller_hangs_up_is_cancelled_and_leaves_its_connection_to_others() {
    let stage = Stage::set().await;
    let _holder = stage.lock("notifications").await;
    for _ in 0..2 {
        let callers = stage.call_often(CONNECTIONS, "/me/notifications").await;
        stage.blocked(CONNECTIONS).await;
        let hung_up = Instant::now();
        drop(callers);
        stage.blocked(0).await;
        let runs = stage.get("/operation-runs").await;
        assert_eq!(runs.status, StatusCode::OK, "{runs:?}");
        assert!(hung_up.elapsed() < AT_ONCE, "{:?}", hung_up.elapsed());
    }
}

#[tokio::test]
async fn starts_claims_and_callers_who_ask_who_they_are_do_not_wait_for_lists() {
    let stage = Stage::set_with(|options| options.token_cache = Duration::ZERO).await;
    let _holder = stage.lock("inventory_items").await;
    let path = stage.path("inventory-items");
    let mut callers = stage.call_often(CONNECTIONS, &path).await;
    stage.blocked(CONNECTIONS).await;
    // These wait for a connection.
    callers.extend(stage.call_often(CONNECTIONS, &path).await);
    let begun = Instant::now();
    assert_eq!(stage.get("/me").await.status, StatusCode::OK);
    let started = stage.start("").await;
    assert_eq!(started.status, StatusCode::ACCEPTED, "{started:?}");
    let terms = LeaseTerms {
        worker_id: WorkerId::from_name("worker-1".to_owned()),
        duration: Duration::from_secs(45),
    };
    let claim = stage.store.claim_next(&terms).await.unwrap();
    assert!(claim.is_some());
    stage.blocked(CONNECTIONS).await;
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_changes_something_is_done_though_its_caller_hangs_up() {
    let stage = Stage::set().await;
    stage.start("").await;
    let client = stage.database.connection().await;
    let id = "SELECT id::text FROM notifications";
    let id: String = client.query_one(id, &[]).await.unwrap().get(0);
    let holder = stage.lock("notifications").await;
    let read = stage.head(&format!("/me/notifications/{id}/read"));
    let read = read.replacen("GET", "POST", 1);
    let caller = stage.send(&read).await;
    stage.blocked(1).await;
    drop(caller);
    // Callers of lists hang up as well, and are noticed.
    let caller = stage.call("/me/notifications").await;
    stage.blocked(2).await;
    drop(caller);
    stage.blocked(1).await;
    drop(holder);
    let read = "SELECT count(*) FROM notifications WHERE read_at IS NOT NULL";
    eventually("the notification to be read", || async {
        let count: i64 = client.query_one(read, &[]).await.unwrap().get(0);
        (count == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn requests_that_follow_on_a_connection_are_answered_after_the_first() {
    let stage = Stage::set().await;
    let holder = stage.lock("notifications").await;
    let mut connection = stage.call("/me/notifications").await;
    stage.blocked(1).await;
    let more = stage.head("/healthz").repeat(2);
    connection.write_all(more.as_bytes()).await.unwrap();
    drop(holder);
    let mut text = String::new();
    while text.matches("HTTP/1.1 200").count() < 3 {
        let mut bytes = [0; 4096];
        let count = connection.read(&mut bytes).await.unwrap();
        assert!(count > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
}
