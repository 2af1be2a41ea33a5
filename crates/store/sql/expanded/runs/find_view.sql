-- Written by `cargo xtask schema` from runs/find_view.sql.
-- $1 run: uuid
-- $2 user: uuid
-- returns id: uuid
-- returns tenant_id: uuid
-- returns tenant_name: text
-- returns kind: text
-- returns inputs: jsonb
-- returns verify: text
-- returns initiator_id: uuid
-- returns initiator_name: text
-- returns retry_of: uuid
-- returns scheduled: bool
-- returns attempt: int4
-- returns failures: int4
-- returns max_failures: int4
-- returns created_at: timestamptz
-- returns updated_at: timestamptz
-- returns started_at: timestamptz
-- returns progress: jsonb
-- returns error: jsonb
-- returns status: text
-- returns outcome: text
-- returns not_before: timestamptz
-- returns expires_at: timestamptz
-- returns wait_reason: text
-- returns worker_id: text
-- returns heartbeat_at: timestamptz
-- returns lease_expires_at: timestamptz
-- returns counts: jsonb
-- returns completed_at: timestamptz
-- returns cancel_requested_at: timestamptz
-- returns cancel_requested_by: uuid
-- returns cancel_requested_by_name: text
-- returns cancel_reason: text
-- returns cancel_deadline_at: timestamptz
-- returns not_due: bool
-- returns tenant_busy: bool
-- returns paused: bool
-- returns priority: int2
-- returns role: text
-- runs.find_view
--
-- A run of a tenant that the user belongs to, with the user's role there. Front ends ask for it again
-- and again while it runs: the plan is always the same, and is kept.
SELECT
    r.id, r.tenant_id, t.name AS tenant_name, r.kind, r.inputs, r.verify, r.initiator_id,
    u.display_name AS initiator_name, r.retry_of, r.scheduled, r.attempt, r.failures, r.max_failures,
    r.created_at, r.updated_at, r.started_at, r.progress, r.error, r.status, r.outcome,
    r.not_before, r.expires_at, r.wait_reason, r.worker_id, r.heartbeat_at, r.lease_expires_at,
    r.counts, r.completed_at, r.cancel_requested_at, r.cancel_requested_by,
    (SELECT b.display_name FROM users b WHERE b.id = r.cancel_requested_by)
        AS cancel_requested_by_name,
    r.cancel_reason, r.cancel_deadline_at,
    (r.not_before > clock_timestamp()) AS not_due,  -- the row may be younger than the statement
    (r.status = 'queued' AND (  -- one row at most, and no EXISTS, for which all that runs might be read
        SELECT true FROM operation_runs o
        WHERE o.tenant_id = r.tenant_id AND o.lock_scope = r.lock_scope AND o.status = 'running'
    ) IS TRUE) AS tenant_busy,
    (r.status = 'queued' AND EXISTS (
        SELECT 1 FROM queue_controls q WHERE q.kind = r.kind
    )) AS paused,
    r.priority
    , m.role
FROM operation_runs r
    JOIN memberships m ON m.tenant_id = r.tenant_id AND m.user_id = $2
    JOIN tenants t ON t.id = r.tenant_id
    JOIN users u ON u.id = r.initiator_id
WHERE r.id = $1
