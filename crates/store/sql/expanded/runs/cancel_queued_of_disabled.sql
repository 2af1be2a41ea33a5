-- Written by `cargo xtask schema` from runs/cancel_queued_of_disabled.sql.
-- $1 kind: text
-- $2 reason: text
-- $3 event: text
-- $4 notification: uuid
-- $5 title: text
-- $6 body: text
-- $7 cancelled_title: text
-- $8 cancelled_body: text
-- $9 audit: uuid
-- returns status: text
-- runs.cancel_queued_of_disabled
--
-- Ends a queued run of a kind whose tenant is disabled. Nobody is named as who asked for that.
WITH held AS (
    SELECT r.id
    FROM operation_runs r
    WHERE r.status = 'queued' AND r.kind = $1
        AND r.tenant_id IN (SELECT t.id FROM tenants t WHERE NOT t.enabled)
    LIMIT 1
    FOR UPDATE SKIP LOCKED
),
changed AS (
    UPDATE operation_runs r
    SET status = 'completed', outcome = 'cancelled', error = NULL,
        completed_at = clock_timestamp(), cancel_requested_at = clock_timestamp(),
        cancel_reason = $2, cancel_deadline_at = clock_timestamp(),
        updated_at = clock_timestamp(), event_seq = r.event_seq + 1
    FROM held
    WHERE r.id = held.id AND r.status = 'queued'
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
