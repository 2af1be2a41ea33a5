//! What stands in the database, in a form that can be compared with the reference, and what must
//! hold in it whatever happened.

use atlas_domain::ids::{LeaseToken, RunId};
use atlas_domain::run::Status;
use tokio_postgres::Client;

use super::reference::Reference;

/// A run as its row, its events, its notifications and its audit entries show it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RunRow {
    id: String,
    status: String,
    outcome: Option<String>,
    attempt: i32,
    failures: i32,
    token: Option<String>,
    cancel_requested: bool,
    backoff: bool,
    wait_reason: Option<String>,
    error: Option<String>,
    events: Vec<String>,
    notices: Vec<String>,
    /// Audit entries of its end.
    ends: i64,
}

/// The rows that the protocol is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    runs: Vec<RunRow>,
    /// Tenant, fence, token.
    fences: Vec<(String, i64, Option<String>)>,
    /// Tenant, object, first byte of the content hash, fence, run, missing.
    items: Vec<(String, String, i32, i64, String, bool)>,
}

const RUNS: &str = "SELECT r.id::text, r.status, r.outcome, r.attempt, r.failures, \
        r.lease_token::text, r.cancel_requested_at IS NOT NULL, \
        r.status = 'queued' AND r.not_before > clock_timestamp(), \
        CASE WHEN r.status = 'queued' THEN r.wait_reason END, r.error->>'code', \
        (SELECT array_agg(e.event || ' ' || e.attempt ORDER BY e.seq) \
            FROM operation_run_events e WHERE e.run_id = r.id), \
        (SELECT array_agg(n.phase ORDER BY n.phase) FROM notifications n WHERE n.run_id = r.id), \
        (SELECT count(*) FROM audit_events a WHERE a.target_id = r.id::text \
            AND a.action IN ('operation_run.completed', 'operation_run.cancelled')) \
    FROM operation_runs r ORDER BY r.created_at";

const FENCES: &str =
    "SELECT tenant_id::text, fence, token::text FROM tenant_fences ORDER BY tenant_id";

const ITEMS: &str = "SELECT tenant_id::text, external_id, get_byte(content_hash, 0), fence, \
        last_seen_run::text, missing_since IS NOT NULL \
    FROM inventory_items ORDER BY tenant_id, external_id";

/// Each finds what must not be: the name of the rule, and how often it is broken.
const BROKEN: &str = "SELECT rule, broken FROM (VALUES \
    ('one active run per identity', (SELECT count(*) FROM ( \
        SELECT 1 FROM operation_runs WHERE status <> 'completed' \
        GROUP BY tenant_id, kind, identity HAVING count(*) > 1) x)), \
    ('one running run per tenant and scope', (SELECT count(*) FROM ( \
        SELECT 1 FROM operation_runs WHERE status = 'running' \
        GROUP BY tenant_id, lock_scope HAVING count(*) > 1) x)), \
    ('a run that succeeded has finished once, no other has', (SELECT count(*) FROM operation_runs r \
        WHERE (SELECT count(*) FROM operation_run_events e \
            WHERE e.run_id = r.id AND e.event = 'finished') <> (r.outcome IS NOT DISTINCT FROM 'succeeded')::int)), \
    ('events are numbered without gaps', (SELECT count(*) FROM operation_runs r \
        WHERE (SELECT array_agg(e.seq ORDER BY e.seq) FROM operation_run_events e WHERE e.run_id = r.id) \
            IS DISTINCT FROM (SELECT array_agg(n) FROM generate_series(1, r.event_seq) n))), \
    ('attempts are numbered without gaps', (SELECT count(*) FROM operation_runs r \
        WHERE (SELECT array_agg(e.attempt ORDER BY e.seq) FROM operation_run_events e \
                WHERE e.run_id = r.id AND e.event = 'claimed') \
            IS DISTINCT FROM (SELECT array_agg(n) FROM generate_series(1, r.attempt) n))), \
    ('failures stay within their limit', (SELECT count(*) FROM operation_runs r \
        WHERE r.failures > r.max_failures OR r.failures > r.attempt)), \
    ('no item has a later fence than its tenant', (SELECT count(*) FROM inventory_items i \
        LEFT JOIN tenant_fences f ON f.tenant_id = i.tenant_id WHERE i.fence > coalesce(f.fence, 0))), \
    ('nothing is stored after the end', (SELECT count(*) FROM inventory_items i \
        JOIN operation_runs r ON r.id = i.last_seen_run WHERE i.last_seen_at > r.completed_at)), \
    ('a run that was not handed over has no effect', (SELECT count(*) FROM operation_runs r \
        WHERE r.error->>'code' = 'dispatch_failed' AND (r.attempt > 0 OR EXISTS ( \
            SELECT 1 FROM inventory_items i WHERE i.last_seen_run = r.id)))), \
    ('an item was created once, is gone as often as it says, and back between', (SELECT count(*) FROM ( \
        SELECT i.id FROM inventory_items i LEFT JOIN inventory_changes c ON c.item_id = i.id \
        GROUP BY i.id HAVING count(*) FILTER (WHERE c.kind = 'created') <> 1 \
            OR count(*) FILTER (WHERE c.kind = 'gone') - count(*) FILTER (WHERE c.kind = 'back') \
                <> (i.missing_since IS NOT NULL)::int) x)), \
    ('changes lead from what an item was to what it is', (SELECT count(*) FROM inventory_items i \
        WHERE i.content_hash <> (SELECT decode(repeat(lpad(to_hex( \
                (c.detail #>> '{fields,0,new}')::int), 2, '0'), 32), 'hex') \
            FROM inventory_changes c WHERE c.item_id = i.id AND c.kind = 'changed' \
            ORDER BY c.occurred_at DESC LIMIT 1))), \
    ('changes have no gap', (SELECT count(*) FROM ( \
        SELECT c.detail #> '{fields,0,old}' AS old, lag(c.detail #> '{fields,0,new}') \
            OVER (PARTITION BY c.item_id ORDER BY c.occurred_at) AS stood \
        FROM inventory_changes c WHERE c.kind = 'changed') x WHERE x.old <> x.stood)), \
    ('the summary counts what is there', (SELECT count(*) FROM ( \
        SELECT FROM inventory_items i FULL JOIN inventory_type_summaries s \
            ON s.tenant_id = i.tenant_id AND s.policy_type = i.policy_type \
        GROUP BY i.tenant_id, i.policy_type, s.present, s.missing \
        HAVING s.present IS DISTINCT FROM count(i.id) FILTER (WHERE i.missing_since IS NULL) \
            OR s.missing <> count(i.id) FILTER (WHERE i.missing_since IS NOT NULL)) x)), \
    ('the end is reported once, and the beginning', (SELECT count(*) FROM operation_runs r \
        WHERE (SELECT count(*) FROM notifications n WHERE n.run_id = r.id) \
            <> 1 + (r.status = 'completed')::int)) \
    ) AS rules (rule, broken) WHERE broken > 0";

impl Rows {
    /// Reads them.
    pub(crate) async fn read(client: &Client) -> Self {
        let runs = client.query(RUNS, &[]).await.unwrap();
        let fences = client.query(FENCES, &[]).await.unwrap();
        let items = client.query(ITEMS, &[]).await.unwrap();
        Self {
            runs: runs
                .iter()
                .map(|row| RunRow {
                    id: row.get(0),
                    status: row.get(1),
                    outcome: row.get(2),
                    attempt: row.get(3),
                    failures: row.get(4),
                    token: row.get(5),
                    cancel_requested: row.get(6),
                    backoff: row.get(7),
                    wait_reason: row.get(8),
                    error: row.get(9),
                    events: row.get(10),
                    notices: row.get(11),
                    ends: row.get(12),
                })
                .collect(),
            fences: fences
                .iter()
                .map(|row| (row.get(0), row.get(1), row.get(2)))
                .collect(),
            items: items
                .iter()
                .map(|row| {
                    (
                        row.get(0),
                        row.get(1),
                        row.get(2),
                        row.get(3),
                        row.get(4),
                        row.get(5),
                    )
                })
                .collect(),
        }
    }

    /// What the reference says should stand there, with the names that the database knows.
    pub(crate) fn expected(
        reference: &Reference,
        tenants: &[String],
        runs: &[RunId],
        tokens: &[LeaseToken],
    ) -> Self {
        let token = |lease: Option<usize>| lease.map(|lease| tokens[lease].to_string());
        let rows = reference.runs.iter().enumerate().map(|(index, run)| {
            let queued = run.status == Status::Queued;
            let completed = run.status == Status::Completed;
            let mut notices = vec!["queued".to_owned()];
            notices.extend(completed.then(|| "terminal".to_owned()));
            RunRow {
                id: runs[index].to_string(),
                status: run.status.as_str().to_owned(),
                outcome: run.outcome.map(|outcome| outcome.as_str().to_owned()),
                attempt: run.attempt,
                failures: run.failures,
                token: token(run.lease),
                cancel_requested: run.cancel_requested,
                backoff: queued && run.backoff,
                wait_reason: run.wait_reason.filter(|_| queued).map(str::to_owned),
                error: run.error.map(str::to_owned),
                events: run.events.clone(),
                notices,
                ends: i64::from(completed),
            }
        });
        let fences = reference.fences.iter().enumerate();
        let served = fences.filter(|(_, (fence, _))| *fence > 0);
        let items = reference.items.iter().map(|((tenant, object), item)| {
            (
                tenants[*tenant].clone(),
                object.to_string(),
                i32::from(item.content),
                item.fence,
                runs[item.run].to_string(),
                item.missing,
            )
        });
        Self {
            runs: rows.collect(),
            fences: served
                .map(|(tenant, (fence, holder))| (tenants[tenant].clone(), *fence, token(*holder)))
                .collect(),
            items: items.collect(),
        }
    }
}

/// The rules that are broken, with how often.
pub(crate) async fn broken_rules(client: &Client) -> Vec<(String, i64)> {
    let rows = client.query(BROKEN, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}
