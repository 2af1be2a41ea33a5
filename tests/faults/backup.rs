//! The steps of docs/OPERATIONS.md, "Backup and restore".

use std::path::Path;

use atlas_domain::ids::TenantId;
use atlas_store::{
    EventFilter, EventPage, EventPlace, EventTopics, EventsError, EventsFrom, SchemaState, Store,
};
use atlas_test_support::TestDatabase;
use tokio_postgres::Client;

use crate::installation::{Installation, Options};
use crate::load::more_succeed;
use crate::program::Program;
use crate::servers::{PostgresServer, RedisServer};

const TENANTS: usize = 8;

/// Runs by their status.
async fn runs(connection: &Client, status: &str) -> i64 {
    let sql = "SELECT count(*) FROM operation_runs WHERE status = $1";
    let row = connection.query_one(sql, &[&status]).await.unwrap();
    row.get(0)
}

/// What must not change on the way: how many rows each table has.
async fn rows(connection: &Client) -> Vec<(String, i64)> {
    let sql = "SELECT c.oid::regclass::text, (xpath('/row/n/text()', query_to_xml(
            format('SELECT count(*) AS n FROM %s', c.oid::regclass), false, true, '')))[1]::text::bigint
        FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1";
    let rows = connection.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// What the log of events has.
async fn events(
    store: &Store,
    tenant: TenantId,
    from: EventsFrom,
) -> Result<EventPage, EventsError> {
    let (topics, filter) = (EventTopics::Tenant(tenant), EventFilter::default());
    store.events(&topics, &filter, from, 200).await
}

async fn end_of_log(store: &Store, tenant: TenantId) -> EventPlace {
    let page = events(store, tenant, EventsFrom::Now).await;
    page.unwrap().next
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_a_live_database_goes_on_on_other_servers_without_a_lost_or_doubled_run() {
    let _slot = crate::slot::take().await;
    let (mut postgres, mut redis) = (PostgresServer::start().await, RedisServer::start().await);
    let mut installation = Installation::start_with(Options {
        database_url: Some(postgres.url()),
        redis_url: Some(redis.url()),
        latency: Some("20ms"),
        ..Options::default()
    })
    .await;
    let tenants = installation.tenants(TENANTS).await;
    let mut workers: Vec<Program> = (0..2).map(|_| installation.worker(&[])).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    let pressing = async {
        loop {
            for (tenant, member) in &tenants {
                installation.press_accepted(*tenant, member).await;
            }
        }
    };
    let dumping = async {
        more_succeed(&installation).await;
        let accepted = installation.accepted();
        let store = installation.database.store();
        let kept = end_of_log(&store, tenants[0].0.id).await;
        dump(&postgres, installation.database.url(), file.path()).await;
        // What comes after the dump is not in it.
        more_succeed(&installation).await;
        let lost = end_of_log(&store, tenants[0].0.id).await;
        (accepted, kept, lost)
    };
    let (accepted, kept, lost) = tokio::select! {
        () = pressing => unreachable!("it goes on until the dump is there"),
        dumped = dumping => dumped,
    };
    // Nothing of before is left, and nobody had the time to end anything.
    installation.api.kill();
    for worker in &mut workers {
        worker.kill();
    }
    postgres.stop_immediately();
    redis.kill();

    let (other_postgres, other_redis) = (PostgresServer::start().await, RedisServer::start().await);
    let database = TestDatabase::empty_at(other_postgres.url()).await;
    other_postgres.restore(file.path(), &database.url());
    let connection = database.connection().await;
    let (running, queued) = (
        runs(&connection, "running").await,
        runs(&connection, "queued").await,
    );
    assert!(running > 0, "no run was under way when the dump was made");
    let restored = rows(&connection).await;
    let url = database.url().into();
    let migrated = atlas_store::migrate(&url).await.unwrap();
    assert!(migrated.is_empty(), "the dump has the schema, too");
    let state = database.store().schema_state().await.unwrap();
    assert_eq!(state, SchemaState::Current);
    assert_eq!(rows(&connection).await, restored);
    // Whoever followed the log goes on from before the dump, and begins anew otherwise.
    let store = database.store();
    let tenant = tenants[0].0.id;
    let refused = events(&store, tenant, EventsFrom::After(lost)).await;
    assert!(matches!(refused, Err(EventsError::Gone)), "{refused:?}");
    events(&store, tenant, EventsFrom::After(kept))
        .await
        .unwrap();

    let known = accepted.len();
    installation
        .move_to(database, other_redis.url(), accepted)
        .await;
    let _workers: Vec<Program> = (0..2).map(|_| installation.worker(&[])).collect();
    // Those of the dump, and new ones of the same callers with the same tokens.
    for (tenant, member) in &tenants {
        installation.press_accepted(*tenant, member).await;
    }
    installation.check().await;
    assert_eq!(installation.accepted().len(), known + TENANTS);
    let unsuccessful = "SELECT count(*) FROM operation_runs WHERE outcome <> 'succeeded'";
    assert_eq!(installation.number(unsuccessful).await, 0);
    let again = "SELECT count(*) FROM operation_runs WHERE failures > 0";
    assert_eq!(
        installation.number(again).await,
        running,
        "of {running} running and {queued} queued runs those are begun again that were running"
    );
}

/// Beside everything else that goes on.
async fn dump(postgres: &PostgresServer, database_url: String, file: &Path) {
    tokio::task::block_in_place(|| postgres.dump(&database_url, file));
}
