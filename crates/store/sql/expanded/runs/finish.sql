-- Written by `cargo xtask schema` from runs/finish.sql.
-- $1 runs: _uuid
-- $2 attempts: _int4
-- $3 tokens: _uuid
-- $4 fences: _int8
-- $5 outcomes: _text
-- $6 counts: _jsonb
-- $7 errors: _jsonb
-- $8 progress: _jsonb
-- $9 events: _text
-- $10 notifications: _uuid
-- $11 titles: _text
-- $12 bodies: _text
-- $13 cancelled_titles: _text
-- $14 cancelled_bodies: _text
-- $15 audits: _uuid
-- returns id: uuid
-- returns attempt: int4
-- returns outcome: text
-- returns next: uuid
-- runs.finish
--
-- Ends runs as their owners. Locks the rows of the runs, then those of their fences, both only if
-- they are still the owner's, and waits for rows that somebody holds. `= ANY` says what the join says
-- too: from it the planner knows that few rows are asked for, and takes an index.
WITH
-- A row for each run that is to end. `held` and `owned` follow.
asked AS (
    SELECT *
    FROM unnest($1::uuid[], $2::integer[], $3::uuid[], $4::bigint[],
            $5::text[], $6::jsonb[], $7::jsonb[], $8::jsonb[],
            $9::text[], $10::uuid[], $11::text[], $12::text[],
            $13::text[], $14::text[], $15::uuid[])
        AS a (id, attempt, token, fence, outcome, counts, error, progress, event, notification_id,
            title, body, cancelled_title, cancelled_body, audit_id)
),
held AS (
    SELECT r.id, r.tenant_id, r.lock_scope, a.fence
    FROM asked a
        JOIN operation_runs r ON r.id = a.id AND r.attempt = a.attempt AND r.lease_token = a.token
            AND r.status = 'running'
    WHERE r.id = ANY ($1)
    FOR UPDATE OF r
),
owned AS (
    SELECT h.id, f.tenant_id, f.scope
    FROM held h
        JOIN tenant_fences f ON f.tenant_id = h.tenant_id AND f.scope = h.lock_scope
            AND f.fence = h.fence
    FOR UPDATE OF f
),
-- Follows `owned`: raises the fences and ends the runs. A run that was asked to stop ends as
-- cancelled, even when its last work was quicker: whoever was promised that can rely on it. One run
-- may be asked for twice, by the owner and by a worker that lost it: the attempt says whose it is.
fenced AS (
    UPDATE tenant_fences f
    SET fence = f.fence + 1, token = NULL
    FROM owned o
    WHERE f.tenant_id = o.tenant_id AND f.scope = o.scope
    RETURNING o.id
),
changed AS (
    UPDATE operation_runs r
    SET status = 'completed', counts = a.counts,
        outcome = CASE WHEN r.cancel_requested_at IS NULL THEN a.outcome ELSE 'cancelled' END,
        error = CASE WHEN r.cancel_requested_at IS NULL THEN a.error END,
        progress = coalesce(a.progress, r.progress),
        completed_at = clock_timestamp(),
        worker_id = NULL, lease_token = NULL, lease_expires_at = NULL, heartbeat_at = NULL,
        updated_at = clock_timestamp(), event_seq = r.event_seq + 1
    FROM fenced JOIN asked a ON a.id = fenced.id
    WHERE r.id = fenced.id AND r.attempt = a.attempt AND r.status = 'running'
    RETURNING r.id, r.tenant_id, r.lock_scope, r.initiator_id, r.attempt, r.event_seq, r.status,
        r.outcome, r.error, a.event, a.notification_id, a.title, a.body, a.cancelled_title,
        a.cancelled_body, a.audit_id
),
message AS (
    SELECT c.id AS run_id, c.event, c.notification_id, c.title, c.body, c.cancelled_title,
        c.cancelled_body, c.audit_id
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
SELECT c.id, c.attempt, c.outcome,
    (SELECT n.id FROM operation_runs n
        WHERE n.tenant_id = c.tenant_id AND n.lock_scope = c.lock_scope AND n.status = 'queued'
            AND n.not_before <= statement_timestamp()
        ORDER BY n.priority DESC, n.created_at LIMIT 1) AS next
FROM changed c
