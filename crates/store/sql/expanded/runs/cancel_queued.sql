-- Written by `cargo xtask schema` from runs/cancel_queued.sql.
-- $1 run: uuid
-- $2 user: uuid
-- $3 reason: text
-- $4 grace_ms: int8
-- $5 audit: uuid
-- $6 request: uuid
-- $7 request_name: text
-- $8 address: text
-- $9 user_agent: text
-- $10 notification: uuid
-- $11 title: text
-- $12 body: text
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
-- runs.cancel_queued
--
-- Ends a queued run as cancelled. No worker has it, so no fence is raised: nobody holds the one that
-- a write would need.
WITH changed AS (
    UPDATE operation_runs r
    SET status = 'completed', outcome = 'cancelled', error = NULL,
        completed_at = clock_timestamp(),
        cancel_requested_at = clock_timestamp(), cancel_requested_by = $2,
        cancel_reason = $3,
        cancel_deadline_at = clock_timestamp() + $4::bigint * interval '1 millisecond',
        updated_at = clock_timestamp(), event_seq = r.event_seq + 1
    WHERE r.id = $1 AND r.status = 'queued'
    RETURNING r.*
),
-- Follows `changed`, the new version of the run's row: event and audit entry, in the requester's name.
-- Of one who was disabled since the request began it is not kept where that came from.
event AS (
    INSERT INTO operation_run_events (run_id, seq, attempt, event, detail)
    SELECT c.id, c.event_seq, c.attempt, 'cancelled',
        jsonb_build_object('requested_by', $2::uuid)
    FROM changed c
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent, detail)
    SELECT $5, c.tenant_id, 'user', $2, 'operation_run.cancelled', 'operation_run', c.id::text, 'allowed',
        $6, $7, CASE WHEN n.is_enabled THEN $8 END,
        CASE WHEN n.is_enabled THEN $9 END,
        jsonb_strip_nulls(jsonb_build_object('attempt', c.attempt, 'reason', c.cancel_reason))
    FROM changed c
        CROSS JOIN LATERAL (SELECT NOT EXISTS (
            SELECT 1 FROM users q WHERE q.id = $2 AND q.disabled_at IS NOT NULL
        ) AS is_enabled) n
)
, notification AS (
    INSERT INTO notifications (id, user_id, tenant_id, run_id, phase, title, body)
    SELECT $10, c.initiator_id, c.tenant_id, c.id, 'terminal',
        replace($11, '{tenant}', t.name), replace($12, '{tenant}', t.name)
    FROM changed c
        JOIN tenants t ON t.id = c.tenant_id
        JOIN memberships b ON b.user_id = c.initiator_id AND b.tenant_id = c.tenant_id
    ON CONFLICT ON CONSTRAINT one_per_phase DO NOTHING
)
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
FROM changed r
    JOIN tenants t ON t.id = r.tenant_id
    JOIN users u ON u.id = r.initiator_id
