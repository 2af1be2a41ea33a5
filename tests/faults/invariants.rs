//! What holds after every fault.
//!
//! A journal that only these tests have records every write of a sync with the fence and the lease
//! of its tenant at that moment, so that a write by somebody who had lost the run shows even when
//! another has written over it since.

use std::collections::BTreeSet;

use serde_json::Value;
use tokio_postgres::Client;

use crate::installation::Installation;

/// Tenants whose inventories are compared, at most: the simulator works out each of them anew.
const COMPARED: i64 = 10;

/// The journal. Writers hold the fence's row while the trigger reads it, and whoever raises the
/// fence waits for them.
pub(crate) const JOURNAL: &str = "
    CREATE TABLE journal (
        n bigserial PRIMARY KEY, source text NOT NULL, tenant_id uuid NOT NULL, run_id uuid,
        fence bigint, held_fence bigint, held_token uuid, run_token uuid);
    CREATE FUNCTION journal_add(source text, tenant uuid, run uuid, fence bigint)
    RETURNS void LANGUAGE sql AS $$
        INSERT INTO journal (source, tenant_id, run_id, fence, held_fence, held_token, run_token)
        SELECT source, tenant, run, journal_add.fence, f.fence, f.token,
            (SELECT r.lease_token FROM operation_runs r WHERE r.id = run)
        FROM (SELECT 1) one LEFT JOIN tenant_fences f ON f.tenant_id = tenant
    $$;
    CREATE FUNCTION journal_item() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        -- Marking an item missing leaves the run and the fence that last saw it.
        IF NEW.missing_since IS NOT NULL THEN
            PERFORM journal_add('missing', NEW.tenant_id, NULL, NULL);
        ELSE
            PERFORM journal_add('item', NEW.tenant_id, NEW.last_seen_run, NEW.fence);
        END IF;
        RETURN NULL;
    END $$;
    CREATE FUNCTION journal_result() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM journal_add('result', r.tenant_id, r.id, NULL)
        FROM operation_runs r WHERE r.id = NEW.run_id;
        RETURN NULL;
    END $$;
    CREATE FUNCTION journal_summary() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM journal_add('summary', NEW.tenant_id, NEW.last_run, NULL);
        RETURN NULL;
    END $$;
    CREATE TRIGGER journal AFTER INSERT OR UPDATE ON inventory_items
        FOR EACH ROW EXECUTE FUNCTION journal_item();
    CREATE TRIGGER journal AFTER INSERT OR UPDATE ON inventory_type_results
        FOR EACH ROW EXECUTE FUNCTION journal_result();
    CREATE TRIGGER journal AFTER INSERT OR UPDATE ON inventory_type_summaries
        FOR EACH ROW EXECUTE FUNCTION journal_summary();";

/// Each counts what must not be there.
const BREACHES: &[(&str, &str)] = &[
    (
        "runs that have not ended",
        "SELECT count(*) FROM operation_runs WHERE status <> 'completed'",
    ),
    (
        "of the two indexes that allow one active run per identity and one running per tenant",
        "SELECT 2 - count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         WHERE c.relname IN ('operation_runs_one_active', 'operation_runs_one_running')
            AND i.indisunique AND i.indisvalid",
    ),
    (
        "pairs of runs of one tenant that ran at the same time",
        "WITH spans AS (
            SELECT r.tenant_id, r.lock_scope, e.run_id, e.event, e.at AS since,
                lead(e.at) OVER (PARTITION BY e.run_id ORDER BY e.seq) AS until
            FROM operation_run_events e JOIN operation_runs r ON r.id = e.run_id
            WHERE e.event NOT IN ('cancel_requested', 'phase_reached'))
         SELECT count(*) FROM spans a JOIN spans b USING (tenant_id, lock_scope)
         WHERE a.event = 'claimed' AND b.event = 'claimed' AND a.run_id < b.run_id
            AND a.since < b.until AND b.since < a.until",
    ),
    (
        "runs whose events are not numbered 1..n",
        "SELECT count(*) FROM operation_runs r LEFT JOIN (
            SELECT run_id, count(*) AS n, min(seq) AS first, max(seq) AS last
            FROM operation_run_events GROUP BY run_id) e ON e.run_id = r.id
         WHERE (e.n, e.first, e.last) IS DISTINCT FROM (r.event_seq::bigint, 1, r.event_seq)",
    ),
    (
        "runs whose attempts are not numbered 1..n",
        "SELECT count(*) FROM operation_runs r LEFT JOIN (
            SELECT run_id, count(*) AS n, count(DISTINCT attempt) AS d, max(attempt) AS last
            FROM operation_run_events WHERE event = 'claimed' GROUP BY run_id) e ON e.run_id = r.id
         WHERE coalesce(e.n, 0) <> r.attempt OR coalesce(e.d, 0) <> r.attempt
            OR coalesce(e.last, 0) <> r.attempt",
    ),
    (
        "runs with more failures than permitted, or than their events record",
        "SELECT count(*) FROM operation_runs r WHERE r.failures > r.max_failures
            OR r.failures <> (SELECT count(*) FROM operation_run_events e
                WHERE e.run_id = r.id AND e.event IN ('retried', 'lease_lost'))",
    ),
    (
        "runs with an event that ends a run anywhere but at the end",
        "SELECT count(*) FROM operation_runs r JOIN operation_run_events e ON e.run_id = r.id
         WHERE e.event IN ('finished', 'failed', 'cancelled', 'dispatch_failed', 'queue_timeout')
            AND e.seq <> r.event_seq",
    ),
    (
        "ended runs whose last event ends no run",
        "SELECT count(*) FROM operation_runs r
            JOIN operation_run_events e ON e.run_id = r.id AND e.seq = r.event_seq
         WHERE r.status = 'completed' AND (e.event IN ('queued', 'claimed', 'handed_back')
            OR (r.outcome IN ('succeeded', 'partially_succeeded') AND e.event <> 'finished'))",
    ),
    (
        "ended runs without exactly one notification of it, to the initiator",
        "SELECT count(*) FROM operation_runs r WHERE r.status = 'completed' AND 1 <> (
            SELECT count(*) FILTER (WHERE n.user_id = r.initiator_id)
                + 2 * count(*) FILTER (WHERE n.user_id <> r.initiator_id)
            FROM notifications n WHERE n.run_id = r.id AND n.phase = 'terminal')",
    ),
    (
        "ended runs without exactly one audit entry of it",
        "SELECT count(*) FROM operation_runs r LEFT JOIN (
            SELECT target_id, count(*) AS n FROM audit_events
            WHERE action = 'operation_run.completed' GROUP BY target_id) a
            ON a.target_id = r.id::text
         WHERE r.status = 'completed' AND coalesce(a.n, 0) <> 1",
    ),
    (
        "writes by somebody who did not have the run",
        "SELECT count(*) FROM journal WHERE held_token IS NULL
            OR (fence IS NOT NULL AND fence <> held_fence)
            OR (run_id IS NOT NULL AND run_token IS DISTINCT FROM held_token)",
    ),
    (
        "effects of runs that were never dispatched",
        "SELECT count(*) FROM operation_runs r
         WHERE r.error->>'code' = 'dispatch_failed' AND (r.attempt > 0 OR r.outcome <> 'failed'
            OR EXISTS (SELECT 1 FROM journal j WHERE j.run_id = r.id))",
    ),
];

/// Everything that does not hold, in words, as this connection sees it.
pub(crate) async fn breaches(installation: &Installation, connection: &Client) -> Vec<String> {
    let mut found = Vec::new();
    for (what, sql) in BREACHES {
        let count: i64 = connection.query_one(*sql, &[]).await.unwrap().get(0);
        if count != 0 {
            found.push(format!("{count} {what}"));
        }
    }
    for (runs, outcome) in [
        (installation.accepted(), None),
        (installation.refused(), Some("failed")),
    ] {
        for run in runs {
            let sql = "SELECT outcome, error->>'code' FROM operation_runs
                WHERE id = $1::text::uuid";
            match connection
                .query_opt(sql, &[&run.to_string()])
                .await
                .unwrap()
            {
                None => found.push(format!("run {run} was answered and is not there")),
                Some(row) => {
                    let refused = outcome.is_none_or(|outcome| {
                        row.get::<_, Option<&str>>(0) == Some(outcome)
                            && row.get::<_, Option<&str>>(1) == Some("dispatch_failed")
                    });
                    if !refused {
                        found.push(format!("run {run} was refused and went on"));
                    }
                }
            }
        }
    }
    found.extend(wrong_inventories(installation, connection).await);
    found
}

/// Compares what succeeded runs left with what the simulator says a correct client has.
async fn wrong_inventories(installation: &Installation, connection: &Client) -> Vec<String> {
    let sql = "SELECT r.tenant_id::text, t.directory_id::text, array_agg(DISTINCT x.policy_type)
        FROM operation_runs r JOIN tenants t ON t.id = r.tenant_id
            JOIN inventory_type_results x ON x.run_id = r.id
        WHERE r.outcome = 'succeeded' AND x.status = 'succeeded'
        GROUP BY 1, 2 ORDER BY 1 LIMIT $1";
    let mut found = Vec::new();
    for row in connection.query(sql, &[&COMPARED]).await.unwrap() {
        let (tenant, directory): (String, String) = (row.get(0), row.get(1));
        let types: Vec<String> = row.get(2);
        let answer: Value = installation
            .simulator(&format!("answer-key/{directory}"))
            .await;
        let mut expected = BTreeSet::new();
        for key in &types {
            for item in answer[key].as_array().unwrap() {
                expected.insert((key.clone(), item["id"].as_str().unwrap().to_owned()));
            }
        }
        let sql = "SELECT policy_type, external_id FROM inventory_items
            WHERE tenant_id = $1::text::uuid AND policy_type = ANY($2) AND missing_since IS NULL";
        let rows = connection.query(sql, &[&tenant, &types]).await.unwrap();
        let stored: BTreeSet<(String, String)> =
            rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        if stored != expected {
            found.push(format!(
                "tenant {tenant} has {} items of {types:?} and not {}",
                stored.len(),
                expected.len()
            ));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_invariants_notice_what_breaks_them() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant().await;
    let mut worker = installation.worker(&[]);
    let run = installation.press_accepted(tenant, &member).await;
    installation.check().await;
    worker.kill();

    let connection = installation.database.connection().await;
    let damages = [
        (
            "not ended",
            "UPDATE operation_runs SET status = 'queued', outcome = NULL, completed_at = NULL",
        ),
        ("two indexes", "DROP INDEX operation_runs_one_running"),
        (
            "ran at the same time",
            "INSERT INTO operation_runs SELECT (jsonb_populate_record(r,
                jsonb_build_object('id', gen_random_uuid()))).* FROM operation_runs r;
             INSERT INTO operation_run_events SELECT o.id, e.seq, e.at, e.attempt, e.event, e.detail
             FROM operation_run_events e JOIN operation_runs o ON o.id <> e.run_id",
        ),
        (
            "events are not numbered",
            "DELETE FROM operation_run_events WHERE seq = 1",
        ),
        (
            "attempts are not numbered",
            "UPDATE operation_runs SET attempt = 2",
        ),
        ("more failures", "UPDATE operation_runs SET failures = 1"),
        (
            "anywhere but at the end",
            "UPDATE operation_run_events SET event = 'failed' WHERE seq = 1",
        ),
        (
            "last event ends no run",
            "UPDATE operation_run_events SET event = 'claimed' WHERE seq = 3",
        ),
        (
            "one notification",
            "DELETE FROM notifications WHERE phase = 'terminal'",
        ),
        (
            "one audit entry",
            "INSERT INTO audit_events SELECT (jsonb_populate_record(a,
                jsonb_build_object('id', gen_random_uuid()))).* FROM audit_events a",
        ),
        (
            "did not have the run",
            "UPDATE inventory_items SET last_seen_at = clock_timestamp()",
        ),
        (
            "never dispatched",
            r#"UPDATE operation_runs SET error = '{"code": "dispatch_failed"}'"#,
        ),
        ("is not there", "DELETE FROM operation_runs"),
        (
            "items of",
            "DELETE FROM inventory_items WHERE name = (SELECT min(name) FROM inventory_items)",
        ),
    ];
    for (what, sql) in damages {
        connection.batch_execute("BEGIN").await.unwrap();
        connection.batch_execute(sql).await.unwrap();
        let found = breaches(&installation, &connection).await;
        connection.batch_execute("ROLLBACK").await.unwrap();
        let noticed = found.iter().any(|breach| breach.contains(what));
        assert!(noticed, "{what}: {found:?}");
    }
    installation.refuse(run);
    let found = breaches(&installation, &connection).await;
    assert!(
        found
            .iter()
            .any(|breach| breach.contains("was refused and went on"))
    );
}
