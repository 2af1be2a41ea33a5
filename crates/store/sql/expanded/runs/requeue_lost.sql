-- Written by `cargo xtask schema` from runs/requeue_lost.sql.
-- $1 kind: text
-- $2 error: jsonb
-- $3 event: text
-- $4 notification: uuid
-- $5 title: text
-- $6 body: text
-- $7 cancelled_title: text
-- $8 cancelled_body: text
-- $9 audit: uuid
-- returns status: text
-- runs.requeue_lost
--
-- Takes a run of a kind from a worker whose lease ran out: it is queued again, or ends when that
-- happened too often or when it was asked to stop. Rows that somebody holds are left for the next
-- round.
--
-- A heartbeat from the future was written before the database's clock was set back. A lease as old
-- may be nobody's, and would run out that much later; its owner, if it lives, loses the run to the
-- fence as any other does.
WITH held AS (
    SELECT r.id, r.tenant_id, r.lock_scope
    FROM operation_runs r
        JOIN tenant_fences f ON f.tenant_id = r.tenant_id AND f.scope = r.lock_scope
    WHERE r.status = 'running' AND r.kind = $1
        AND (r.lease_expires_at < statement_timestamp()
            OR r.heartbeat_at > statement_timestamp() + interval '1 minute')
    ORDER BY r.lease_expires_at
    LIMIT 1
    FOR UPDATE OF r, f SKIP LOCKED
),
-- Follows `held`, a run whose row and whose fence's row are locked: raises the fence.
fenced AS (
    UPDATE tenant_fences f
    SET fence = f.fence + 1, token = NULL
    FROM held h
    WHERE f.tenant_id = h.tenant_id AND f.scope = h.lock_scope
    RETURNING h.id
),
changed AS (
    UPDATE operation_runs r
    SET status = CASE WHEN r.cancel_requested_at IS NOT NULL OR r.failures + 1 >= r.max_failures
            THEN 'completed' ELSE 'queued' END,
        outcome = CASE WHEN r.cancel_requested_at IS NOT NULL THEN 'cancelled'
            WHEN r.failures + 1 >= r.max_failures THEN 'failed' END,
        completed_at = CASE
            WHEN r.cancel_requested_at IS NOT NULL OR r.failures + 1 >= r.max_failures
            THEN clock_timestamp() END,
        error = CASE WHEN r.cancel_requested_at IS NULL THEN $2::jsonb END,
        failures = r.failures + 1,
        wait_reason = 'worker_lost',
        worker_id = NULL, lease_token = NULL, lease_expires_at = NULL, heartbeat_at = NULL,
        updated_at = clock_timestamp(), event_seq = r.event_seq + 1
    FROM fenced
    WHERE r.id = fenced.id AND r.status = 'running'
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
    SELECT m.audit_id, c.tenant_id, 'worker', c.initiator_id, 'operation_run.completed',
        'operation_run', c.id::text,
        CASE WHEN c.outcome = 'failed' THEN 'failed' ELSE 'allowed' END,
        jsonb_build_object('outcome', c.outcome)
    FROM changed c JOIN message m ON m.run_id = c.id
    WHERE c.status = 'completed'
)
SELECT c.status FROM changed c
