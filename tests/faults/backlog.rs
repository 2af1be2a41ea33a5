//! A night's runs that wait before any worker is there.

use std::time::Duration;

use crate::house::House;

/// Runs that wait. A night of a large installation has twenty times as many; these show the same
/// and leave time for the other tests: each claim looks at every run that waits, and so the time
/// grows with the square of their number.
const RUNS: i32 = 1_000;
/// Tenants that they are spread over.
const TENANTS: usize = 100;
/// A debug build on a busy machine may take as long as the test runner allows.
const PATIENCE: Duration = Duration::from_secs(120);

/// Copies one run, which its tenant's initiator asked for, to many tenants and identities: the same
/// rows that so many starts would have made. $1 is how many.
const MULTIPLY: &str = "
    WITH source AS (SELECT * FROM operation_runs LIMIT 1),
    wanted AS (
        SELECT t.id AS tenant_id, n, gen_random_uuid() AS id
        FROM (SELECT id, row_number() OVER (ORDER BY id) AS k, count(*) OVER () AS all_of
            FROM tenants WHERE name = 'Bulk') t
            JOIN generate_series(1, $1::int) n ON n % t.all_of = t.k - 1),
    runs AS (
        INSERT INTO operation_runs (id, tenant_id, kind, identity, lock_scope, inputs, initiator_id,
            event_seq)
        SELECT w.id, w.tenant_id, s.kind, s.identity || '-' || w.n, s.lock_scope, s.inputs,
            s.initiator_id, 1
        FROM wanted w, source s RETURNING id)
    INSERT INTO operation_run_events (run_id, seq, attempt, event)
    SELECT id, 1, 0, 'queued' FROM runs";

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_runs_that_wait_before_any_worker_starts_all_end() {
    let _slot = crate::slot::take().await;
    let house = House::start().await;
    let (tenant, member) = house.tenant().await;
    house.queue_one_page(tenant, &member).await;
    for _ in 0..TENANTS {
        house.named_tenant("Bulk").await;
    }
    let connection = house.database.connection().await;
    connection.execute(MULTIPLY, &[&RUNS]).await.unwrap();
    let _workers = [house.worker(&[]), house.worker(&[])];
    house.quiesce_within(PATIENCE).await;
    house.assert_invariants().await;
    let all = i64::from(RUNS) + 1;
    assert_eq!(
        house.outcomes().await,
        [("succeeded".to_owned(), all)].into()
    );
    let again = "SELECT count(*) FROM operation_runs WHERE attempt <> 1 OR failures <> 0";
    assert_eq!(house.number(again).await, 0);
}
