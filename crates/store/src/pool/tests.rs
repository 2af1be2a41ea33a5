//! Connections that end.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use atlas_test_support::{TestDatabase, eventually};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

#[derive(Clone, Default)]
struct Log(std::sync::Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        writeln!(self.0.lock().unwrap(), "{}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn connections_that_nobody_uses_are_closed_and_made_again() {
    let database = TestDatabase::create().await;
    let store = database.store();
    let pings = (0..3).map(|_| store.ping());
    futures::future::try_join_all(pings).await.unwrap();
    let idle = || store.pools()[0].idle;
    let made = idle();
    assert!(made > 1, "{made}");
    store.close_idle(Duration::from_secs(60));
    assert_eq!(idle(), made);
    store.close_idle(Duration::ZERO);
    assert_eq!(idle(), 0);
    let admin = database.connection().await;
    let open = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    eventually("the server to have none", || async {
        let open: i64 = admin.query_one(open, &[]).await.unwrap().get(0);
        (open == 0).then_some(())
    })
    .await;
    store.ping().await.unwrap();
}

#[tokio::test]
async fn the_log_says_why_the_server_ended_a_connection() {
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(log.clone());
    let database = TestDatabase::create().await;
    let store = database.store();
    store.ping().await.unwrap();
    let admin = database.connection().await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    admin.batch_execute(end).await.unwrap();
    eventually("the end of the connection is logged", || async {
        let logged = log.0.lock().unwrap();
        logged.contains("(SQLSTATE 57P01)").then_some(())
    })
    .await;
    assert!(!log.0.lock().unwrap().contains("db error"));
}
