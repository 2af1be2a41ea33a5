//! PgBouncer between the programs and PostgreSQL.

use std::error::Error as _;

use atlas_domain::causes::Causes;
use atlas_domain::ids::UserId;
use atlas_store::ConnectFailureKind::{LostStatements, SharedSessions};
use atlas_store::{
    NotificationFilter, PageRequest, Pooling, SchemaState, Store, StoreError, migrate_through,
};
use futures::future::join_all;
use secrecy::SecretString;

use crate::pgbouncer::{ANY, KEEPING, PgBouncer};
use crate::server::Server;
use crate::{failure_through, store_through};

const RULES: &str = "host all guest 127.0.0.1/32 scram-sha-256";
/// How operators make PgBouncer take connections with options, which it drops.
const DROPS_OPTIONS: &str = "ignore_startup_parameters = options";
const TRANSACTIONS: &str = "pool_mode = transaction";

async fn migrated(url: &str, pooling: Pooling) -> Result<Vec<String>, String> {
    let applied = migrate_through(&SecretString::from(url), pooling).await;
    applied.map_err(|error| Causes(&error).to_string())
}

/// Locks a table against every read, and returns how a list of it ends.
async fn locked_list(server: &Server, store: &Store) -> StoreError {
    let holder = server.admin_in("guests").await;
    let lock = "BEGIN; LOCK TABLE notifications IN ACCESS EXCLUSIVE MODE";
    holder.batch_execute(lock).await.unwrap();
    let nobody = UserId::from_uuid(uuid::Uuid::nil());
    let all = NotificationFilter::unread(false);
    let list = store.notifications(nobody, &all, PageRequest::first(1));
    list.await.unwrap_err()
}

async fn count(server: &Server, sql: &str) -> i64 {
    let admin = server.admin_in("guests").await;
    admin.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_of_sessions_works_and_its_sessions_have_their_limits() {
    let server = Server::start(None, "", RULES).await;
    for (at, lines) in ["", DROPS_OPTIONS].into_iter().enumerate() {
        let bouncer = PgBouncer::start(ANY, &server, lines).await;
        let applied = migrated(&bouncer.url(), Pooling::Session).await.unwrap();
        assert_eq!(applied.is_empty(), at > 0, "the second finds all applied");
        let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
        assert_eq!(count(&server, locks).await, 0);
        let store = store_through(&bouncer.url(), Pooling::Session);
        store.open_reads().await.unwrap();
        assert_eq!(store.schema_state().await.unwrap(), SchemaState::Current);
        let ended = locked_list(&server, &store).await;
        assert!(matches!(ended, StoreError::Busy(_)), "{ended:?}");
    }
}

#[tokio::test]
async fn a_pooler_of_transactions_that_loses_statements_is_refused_with_the_reason() {
    let server = Server::start(None, "", RULES).await;
    // Nobody keeps statements with this; versions before 1.21 do not know it.
    for (variable, further) in [(ANY, ""), (KEEPING, "max_prepared_statements = 0")] {
        let lines = format!("{TRANSACTIONS}\n{DROPS_OPTIONS}\n{further}");
        let bouncer = PgBouncer::start(variable, &server, &lines).await;
        for pooling in [Pooling::Session, Pooling::Transaction] {
            let (kind, text) = failure_through(&bouncer.url(), pooling).await;
            assert_eq!(kind, LostStatements, "{text}");
            let refused = migrated(&bouncer.url(), pooling).await.unwrap_err();
            assert!(refused.contains(LostStatements.advice()), "{refused}");
        }
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(count(&server, tables).await, 0);
}

#[tokio::test]
async fn a_pooler_of_transactions_is_refused_until_the_setting_says_so() {
    let server = Server::start(None, "", RULES).await;
    for lines in ["", DROPS_OPTIONS] {
        let lines = format!("{TRANSACTIONS}\n{lines}\nmax_prepared_statements = 50");
        let bouncer = PgBouncer::start(KEEPING, &server, &lines).await;
        let (kind, text) = failure_through(&bouncer.url(), Pooling::Session).await;
        assert_eq!(kind, SharedSessions, "{text}");
        let store = store_through(&bouncer.url(), Pooling::Session);
        let error = store.database_fault().await.unwrap_err();
        let text = error.source().unwrap().to_string();
        assert!(text.contains("ATLAS_DATABASE_POOLER=transaction"), "{text}");
        store_through(&bouncer.url(), Pooling::Transaction)
            .ping()
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_of_transactions_that_keeps_statements_works() {
    let server = Server::start(None, "", RULES).await;
    let lines = format!("{TRANSACTIONS}\nmax_prepared_statements = 50\ndefault_pool_size = 3");
    let bouncer = PgBouncer::start(KEEPING, &server, &lines).await;
    let url = bouncer.url();
    let (first, second) = tokio::join!(
        migrated(&url, Pooling::Transaction),
        migrated(&url, Pooling::Transaction),
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(
        first.is_empty() != second.is_empty(),
        "one of them migrates"
    );

    // What the programs need is set for the role, and nothing else is left behind.
    let set = "SELECT count(*) FROM pg_db_role_setting s, unnest(s.setconfig) AS one
        WHERE s.setrole = 'guest'::regrole AND one IN ('statement_timeout=30s', 'lock_timeout=5s',
            'jit=off', 'max_parallel_workers_per_gather=0', 'client_connection_check_interval=10s',
            'idle_in_transaction_session_timeout=15s')";
    assert_eq!(count(&server, set).await, 6);
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
    assert_eq!(count(&server, locks).await, 0);

    // More work at once than PgBouncer has sessions.
    let stores: Vec<_> = (0..6)
        .map(|_| store_through(&url, Pooling::Transaction))
        .collect();
    let nobody = UserId::from_uuid(uuid::Uuid::nil());
    let work = (0..300).map(|at: usize| {
        let store = &stores[at % stores.len()];
        async move {
            assert_eq!(store.schema_state().await.unwrap(), SchemaState::Current);
            let filter = NotificationFilter::unread(at.is_multiple_of(2));
            let list = store.notifications(nobody, &filter, PageRequest::first(1));
            assert!(list.await.unwrap().is_empty());
        }
    });
    join_all(work).await;

    let ended = locked_list(&server, &stores[0]).await;
    assert!(matches!(ended, StoreError::Busy(_)), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_not_built_where_a_limit_of_the_role_would_end_it() {
    let server = Server::start(None, "", RULES).await;
    server
        .execute("ALTER ROLE guest SET statement_timeout = '30s'")
        .await;
    let lines = format!("{TRANSACTIONS}\nmax_prepared_statements = 50");
    let bouncer = PgBouncer::start(KEEPING, &server, &lines).await;
    let refused = migrated(&bouncer.url(), Pooling::Transaction).await;
    let refused = refused.unwrap_err();
    assert!(
        refused.contains("a DATABASE_URL that names PostgreSQL itself"),
        "{refused}"
    );
    let applied = migrated(&server.url("sslmode=disable"), Pooling::Session).await;
    assert!(!applied.unwrap().is_empty());
    let store = store_through(&bouncer.url(), Pooling::Transaction);
    assert_eq!(store.schema_state().await.unwrap(), SchemaState::Current);
}
