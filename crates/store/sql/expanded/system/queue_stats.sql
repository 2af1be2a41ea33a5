-- Written by `cargo xtask schema` from system/queue_stats.sql.
-- $1 kinds: _text
-- returns kind: text
-- returns queued: int8
-- returns due: int8
-- returns oldest_due_seconds: int8
-- returns overdue: int8
-- returns running: int8
-- returns lease_expired: int8
-- returns succeeded: int8
-- returns partially_succeeded: int8
-- returns failed: int8
-- returns cancelled: int8
-- returns paused_at: timestamptz
-- returns paused_by: text
-- returns reason: text
-- system.queue_stats
--
-- How the runs of each kind stand. Reads active runs and those that ended within the last hour only,
-- both through partial indexes. What keeps a queued run from being due is read once and hashed: NOT IN
-- never becomes a join, and none of its columns can be null. A run's answer is materialized.
WITH active AS MATERIALIZED (
    SELECT r.kind, r.status, r.lease_expires_at,
        CASE
            WHEN r.status = 'queued'
                AND r.not_before <= statement_timestamp()
                AND r.kind NOT IN (SELECT c.kind FROM queue_controls c)
                AND (r.tenant_id, r.lock_scope) NOT IN (
                    SELECT o.tenant_id, o.lock_scope FROM operation_runs o WHERE o.status = 'running')
                AND r.tenant_id NOT IN (SELECT t.id FROM tenants t WHERE NOT t.enabled)
            THEN statement_timestamp() - r.not_before
        END AS due_for
    FROM operation_runs r
    WHERE r.status IN ('queued', 'running')
),
counted AS (
    SELECT a.kind,
        count(*) FILTER (WHERE a.status = 'queued') AS queued,
        count(a.due_for) AS due,
        coalesce(extract(epoch FROM max(a.due_for)), 0)::bigint AS oldest_due_seconds,
        count(*) FILTER (WHERE a.due_for > interval '2 minutes') AS overdue,
        count(*) FILTER (WHERE a.status = 'running') AS running,
        count(*) FILTER (
            WHERE a.status = 'running'
                AND a.lease_expires_at < statement_timestamp() - interval '30 seconds'
        ) AS lease_expired
    FROM active a
    GROUP BY a.kind
),
ended AS (
    SELECT r.kind,
        count(*) FILTER (WHERE r.outcome = 'succeeded') AS succeeded,
        count(*) FILTER (WHERE r.outcome = 'partially_succeeded') AS partially_succeeded,
        count(*) FILTER (WHERE r.outcome = 'failed') AS failed,
        count(*) FILTER (WHERE r.outcome = 'cancelled') AS cancelled
    FROM operation_runs r
    WHERE r.status = 'completed'
        AND r.completed_at > statement_timestamp() - interval '1 hour'
    GROUP BY r.kind
),
kinds AS (
    SELECT unnest($1::text[]) AS kind
    UNION SELECT c.kind FROM counted c
    UNION SELECT e.kind FROM ended e
    UNION SELECT q.kind FROM queue_controls q
)
SELECT k.kind,
    coalesce(c.queued, 0) AS queued,
    coalesce(c.due, 0) AS due,
    coalesce(c.oldest_due_seconds, 0) AS oldest_due_seconds,
    coalesce(c.overdue, 0) AS overdue,
    coalesce(c.running, 0) AS running,
    coalesce(c.lease_expired, 0) AS lease_expired,
    coalesce(e.succeeded, 0) AS succeeded,
    coalesce(e.partially_succeeded, 0) AS partially_succeeded,
    coalesce(e.failed, 0) AS failed,
    coalesce(e.cancelled, 0) AS cancelled,
    q.paused_at, q.paused_by, q.reason
FROM kinds k
    LEFT JOIN counted c ON c.kind = k.kind
    LEFT JOIN ended e ON e.kind = k.kind
    LEFT JOIN queue_controls q ON q.kind = k.kind
ORDER BY k.kind
