-- Written by `cargo xtask schema` from runs/requeue.sql.
-- $1 run: uuid
-- $2 attempt: int4
-- $3 token: uuid
-- $4 fence: int8
-- $5 failures: int4
-- $6 delay_ms: int8
-- $7 error: jsonb
-- $8 wait_reason: text
-- $9 event: text
-- $10 notification: uuid
-- $11 title: text
-- $12 body: text
-- $13 cancelled_title: text
-- $14 cancelled_body: text
-- $15 audit: uuid
-- returns status: text
-- returns outcome: text
-- runs.requeue
--
-- Gives a run back as its owner, after :failures further failures. Locks the run's row, then raises
-- the fence, both only if they are still the owner's. A request to cancel ends the run instead, and
-- so does the last permitted failure.
WITH held AS (
    SELECT r.id, r.tenant_id, r.lock_scope, r.cancel_requested_at IS NOT NULL AS cancelled,
        r.failures + $5 >= r.max_failures AND $5 > 0 AS exhausted
    FROM operation_runs r
    WHERE r.id = $1 AND r.attempt = $2 AND r.lease_token = $3 AND r.status = 'running'
    FOR UPDATE
),
fenced AS (
    UPDATE tenant_fences f
    SET fence = f.fence + 1, token = NULL
    FROM held h
    WHERE f.tenant_id = h.tenant_id AND f.scope = h.lock_scope AND f.fence = $4
    RETURNING h.id, h.cancelled, h.exhausted
),
changed AS (
    UPDATE operation_runs r
    SET status = CASE WHEN h.cancelled OR h.exhausted THEN 'completed' ELSE 'queued' END,
        outcome = CASE WHEN h.cancelled THEN 'cancelled' WHEN h.exhausted THEN 'failed' END,
        completed_at = CASE WHEN h.cancelled OR h.exhausted THEN clock_timestamp() END,
        failures = r.failures + $5,
        error = CASE WHEN NOT h.cancelled THEN $7::jsonb END,
        not_before = clock_timestamp() + $6::bigint * interval '1 millisecond',
        wait_reason = $8,
        worker_id = NULL, lease_token = NULL, lease_expires_at = NULL, heartbeat_at = NULL,
        updated_at = clock_timestamp(), event_seq = r.event_seq + 1
    FROM fenced h
    WHERE r.id = h.id AND r.status = 'running'
    RETURNING r.*
),
message AS (
    SELECT c.id AS run_id, $9::text AS event, $10::uuid AS notification_id,
        $11::text AS title, $12::text AS body, $13::text AS cancelled_title,
        $14::text AS cancelled_body, $15::uuid AS audit_id
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
    SELECT m.audit_id, c.tenant_id, 'worker', c.initiator_id, 'operation_run.completed',
        'operation_run', c.id::text,
        CASE WHEN c.outcome = 'failed' THEN 'failed' ELSE 'allowed' END,
        jsonb_build_object('outcome', c.outcome)
    FROM changed c JOIN message m ON m.run_id = c.id
    WHERE c.status = 'completed'
)
SELECT c.status, c.outcome FROM changed c
