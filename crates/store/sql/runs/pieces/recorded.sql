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
    SELECT m.audit_id, c.tenant_id, :'actor', c.initiator_id, 'operation_run.completed',
        'operation_run', c.id::text,
        CASE WHEN c.outcome = 'failed' THEN 'failed' ELSE 'allowed' END,
        jsonb_build_object('outcome', c.outcome)
    FROM changed c JOIN message m ON m.run_id = c.id
    WHERE c.status = 'completed'
)
