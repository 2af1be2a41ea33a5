-- Written by `cargo xtask schema` from runs/cancel_overdue.sql.
-- $1 kind: text
-- $2 event: text
-- $3 notification: uuid
-- $4 title: text
-- $5 body: text
-- $6 cancelled_title: text
-- $7 cancelled_body: text
-- $8 audit: uuid
-- returns status: text
-- runs.cancel_overdue
--
-- Ends a run of a kind whose worker did not honour a request to stop in time.
WITH held AS (
    SELECT r.id, r.tenant_id, r.lock_scope
    FROM operation_runs r
        JOIN tenant_fences f ON f.tenant_id = r.tenant_id AND f.scope = r.lock_scope
    WHERE r.status = 'running' AND r.kind = $1 AND r.cancel_deadline_at < statement_timestamp()
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
    SET status = 'completed', outcome = 'cancelled', error = NULL, completed_at = clock_timestamp(),
        worker_id = NULL, lease_token = NULL, lease_expires_at = NULL, heartbeat_at = NULL,
        updated_at = clock_timestamp(), event_seq = r.event_seq + 1
    FROM fenced
    WHERE r.id = fenced.id AND r.status = 'running'
    RETURNING r.*
),
message AS (
    SELECT c.id AS run_id, $2::text AS event, $3::uuid AS notification_id,
        $4::text AS title, $5::text AS body, $6::text AS cancelled_title,
        $7::text AS cancelled_body, $8::uuid AS audit_id
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
