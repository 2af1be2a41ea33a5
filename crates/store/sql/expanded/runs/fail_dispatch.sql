-- Written by `cargo xtask schema` from runs/fail_dispatch.sql.
-- $1 run: uuid
-- $2 error: jsonb
-- $3 event: text
-- $4 notification: uuid
-- $5 title: text
-- $6 body: text
-- $7 cancelled_title: text
-- $8 cancelled_body: text
-- $9 audit: uuid
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
-- runs.fail_dispatch
--
-- Ends a run that could not be put into Redis, unless a worker has had it after all. A key with which it
-- was started is free again.
WITH changed AS (
    UPDATE operation_runs r
    SET status = 'completed', outcome = 'failed', error = $2,
        completed_at = clock_timestamp(), updated_at = clock_timestamp(),
        event_seq = r.event_seq + 1
    WHERE r.id = $1 AND r.attempt = 0 AND r.status = 'queued'
    RETURNING r.*
),
message AS (
    SELECT c.id AS run_id, $3::text AS event, $4::uuid AS notification_id,
        $5::text AS title, $6::text AS body, $7::text AS cancelled_title,
        $8::text AS cancelled_body, $9::uuid AS audit_id
    FROM changed c
),
-- Follows `changed`, the new versions of the rows of runs, and `message`, what is recorded of each:
-- the event, and for a run that has ended the notification and the audit entry. One that was
-- cancelled gets that event and those texts, in which {tenant} stands for the tenant's name. An
-- initiator who left the tenant is not notified.
event AS (
    INSERT INTO operation_run_events (run_id, seq, attempt, event, detail)
    SELECT c.id, c.event_seq, c.attempt,
        CASE WHEN c.outcome = 'cancelled' THEN 'cancelled' ELSE m.event END,
        CASE WHEN c.error IS NULL THEN NULL ELSE jsonb_build_object('code', c.error->'code') END
    FROM changed c JOIN message m ON m.run_id = c.id
),
notification AS (
    INSERT INTO notifications (id, user_id, tenant_id, run_id, phase, title, body)
    SELECT m.notification_id, c.initiator_id, c.tenant_id, c.id, 'terminal',
        replace(CASE WHEN c.outcome = 'cancelled' THEN m.cancelled_title ELSE m.title END,
            '{tenant}', t.name),
        replace(CASE WHEN c.outcome = 'cancelled' THEN m.cancelled_body ELSE m.body END,
            '{tenant}', t.name)
    FROM changed c
        JOIN message m ON m.run_id = c.id
        JOIN tenants t ON t.id = c.tenant_id
        JOIN memberships b ON b.user_id = c.initiator_id AND b.tenant_id = c.tenant_id
    WHERE c.status = 'completed'
    ON CONFLICT ON CONSTRAINT one_per_phase DO NOTHING
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, detail)
    SELECT m.audit_id, c.tenant_id, 'user', c.initiator_id, 'operation_run.completed',
        'operation_run', c.id::text,
        CASE WHEN c.outcome = 'failed' THEN 'failed' ELSE 'allowed' END,
        jsonb_build_object('outcome', c.outcome)
    FROM changed c JOIN message m ON m.run_id = c.id
    WHERE c.status = 'completed'
)
, freed AS (
    DELETE FROM start_keys k
    USING changed c
    WHERE k.user_id = c.initiator_id AND k.run_id = c.id
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
