//! A night's runs that wait before any worker is there.

use std::time::Duration;

use crate::installation::{Installation, Options};
use crate::messages::Messages;
use crate::servers::RedisServer;

/// Runs that callers ask for, each of a tenant of its own. The tenants' credentials are deleted, so
/// that a run ends with its first step: what is tried is how runs are handed out.
const ASKED_FOR: usize = 400;
/// Further tenants, and the runs that wait of each.
const TENANTS: i32 = 9_800;
const EACH: i32 = 2;
const ALL: i64 = 20_000;
/// How many have ended when Redis is emptied, and when it is made unusable.
const EMPTIED_AFTER: i64 = 1_000;
const POISONED_AFTER: i64 = 4_000;
/// A debug build on a busy machine may take as long as the test runner allows.
const PATIENCE: Duration = Duration::from_secs(150);

/// Adds $1 tenants like the first one, and $2 runs of each with everything that the start of a run
/// leaves: what it left of the first run.
const MULTIPLY: &str = "
    WITH tenant AS (SELECT to_jsonb(t) AS it FROM tenants t ORDER BY id LIMIT 1),
    run AS (SELECT to_jsonb(r) AS it, r.id FROM operation_runs r ORDER BY id LIMIT 1),
    tenants AS (
        INSERT INTO tenants SELECT new.* FROM tenant, generate_series(1, $1::int) n,
            LATERAL jsonb_populate_record(NULL::tenants, it || jsonb_build_object(
                'id', gen_random_uuid(), 'directory_id', gen_random_uuid(), 'name', n)) new
        RETURNING id),
    memberships AS (
        INSERT INTO memberships (user_id, tenant_id, role)
        SELECT (it->>'initiator_id')::uuid, tenants.id, 'operator' FROM tenants, run),
    wanted AS MATERIALIZED (
        SELECT t.id AS tenant_id, n, gen_random_uuid() AS id
        FROM tenants t, generate_series(1, $2::int) n),
    runs AS (
        INSERT INTO operation_runs SELECT new.* FROM wanted w, run,
            LATERAL jsonb_populate_record(NULL::operation_runs, it || jsonb_build_object(
                'id', w.id, 'tenant_id', w.tenant_id, 'identity', w.n::text)) new),
    events AS (
        INSERT INTO operation_run_events SELECT new.* FROM wanted w, run
            JOIN operation_run_events e ON e.run_id = run.id,
            LATERAL jsonb_populate_record(e, jsonb_build_object('run_id', w.id)) new),
    notifications AS (
        INSERT INTO notifications SELECT new.* FROM wanted w, run
            JOIN notifications e ON e.run_id = run.id,
            LATERAL jsonb_populate_record(e, jsonb_build_object(
                'id', gen_random_uuid(), 'run_id', w.id, 'tenant_id', w.tenant_id)) new)
    INSERT INTO audit_events SELECT new.* FROM wanted w, run
        JOIN audit_events e ON e.target_id = run.id::text,
        LATERAL jsonb_populate_record(e, jsonb_build_object(
            'id', gen_random_uuid(), 'target_id', w.id, 'tenant_id', w.tenant_id)) new";

const ENDED: &str = "SELECT count(*) FROM operation_runs WHERE status = 'completed'";

/// Waits until so many runs have ended.
async fn ended(installation: &Installation, count: i64) {
    let enough = format!("SELECT least(({ENDED}), {count})");
    installation.number_becomes(&enough, count).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_runs_that_wait_before_any_worker_starts_all_end() {
    let _slot = crate::slot::take().await;
    let redis = RedisServer::start().await;
    let installation = Installation::start_with(Options {
        redis_url: Some(redis.url()),
        ..Options::default()
    })
    .await;
    for (tenant, member) in installation.tenants(ASKED_FOR).await {
        installation.press_accepted(tenant, &member).await;
    }
    let connection = installation.database.connection().await;
    let no_credentials = "DELETE FROM tenant_credentials";
    connection.batch_execute(no_credentials).await.unwrap();
    connection
        .execute(MULTIPLY, &[&TENANTS, &EACH])
        .await
        .unwrap();
    // PostgreSQL would do so by itself within a minute.
    connection.batch_execute("ANALYZE").await.unwrap();
    let waiting = "SELECT count(*) FROM operation_runs WHERE status = 'queued'";
    assert_eq!(installation.number(waiting).await, ALL);

    let mut workers = [installation.worker(&[]), installation.worker(&[])];
    ended(&installation, EMPTIED_AFTER).await;
    let mut connection = redis.connection().await;
    let emptied: String = redis::cmd("FLUSHALL")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(emptied, "OK");
    ended(&installation, POISONED_AFTER).await;
    Messages::of(&installation)
        .await
        .poison(&mut connection)
        .await;
    installation.quiesce_within(PATIENCE).await;

    installation.assert_invariants().await;
    assert_eq!(
        installation.outcomes().await,
        [("failed".to_owned(), ALL)].into()
    );
    let again = "SELECT count(*) FROM operation_runs
        WHERE attempt <> 1 OR error->>'code' <> 'credentials_missing'";
    assert_eq!(installation.number(again).await, 0);
    for worker in &mut workers {
        assert!(worker.child.try_wait().unwrap().is_none(), "a worker ended");
    }
}
