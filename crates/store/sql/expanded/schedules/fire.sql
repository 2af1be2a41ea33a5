-- Written by `cargo xtask schema` from schedules/fire.sql.
-- $1 tenant: uuid
-- $2 set_at: timestamptz
-- $3 due: timestamptz
-- $4 latest: timestamptz
-- $5 next: timestamptz
-- $6 initiator: uuid
-- $7 roles: _text
-- $8 kind: text
-- $9 identity: text
-- $10 run: uuid
-- $11 lock_scope: text
-- $12 inputs: jsonb
-- $13 verify: text
-- $14 retry_of: uuid
-- $15 priority: int2
-- $16 notification: uuid
-- $17 title: text
-- $18 body: text
-- $19 audit: uuid
-- returns id: uuid
-- returns created: bool
-- schedules.fire
--
-- Starts the run of a due time, or joins the same active one, and moves the schedule on: one statement,
-- so that a due time fires once whoever dies. It checks what `runs.admit` checks, of who set the
-- schedule. No row when the due time was seen to, or that person may not sync the tenant any more.
WITH
-- The schedule, unless it was set anew, another worker saw to its due time, or one is about to.
held AS (
    SELECT s.tenant_id, s.set_by
    FROM tenant_schedules s
    WHERE s.tenant_id = $1 AND s.set_at = $2 AND s.next_due_at = $3
        AND s.next_due_at <= statement_timestamp()
    FOR UPDATE SKIP LOCKED
),
permitted AS (
    SELECT t.id AS tenant_id, t.name
    FROM held h
        JOIN memberships m ON m.user_id = h.set_by AND m.tenant_id = h.tenant_id
        JOIN tenants t ON t.id = h.tenant_id
        JOIN users i ON i.id = h.set_by
        JOIN tenant_credentials k ON k.tenant_id = h.tenant_id
    WHERE h.set_by = $6 AND m.role = ANY ($7) AND i.disabled_at IS NULL AND t.enabled
),
-- Follows `permitted`, the tenant when a run of it may be recorded: the active run, or a new one with
-- its first event and its notification. `r` is the one or the other.
active AS (
    SELECT r.*
    FROM permitted p JOIN operation_runs r ON r.tenant_id = p.tenant_id
    WHERE r.kind = $8 AND r.identity = $9 AND r.status IN ('queued', 'running')
),
inserted AS (
    INSERT INTO operation_runs AS r (id, tenant_id, kind, identity, lock_scope, inputs,
        verify, initiator_id, retry_of, priority, scheduled, served_at, event_seq)
    SELECT $10, p.tenant_id, $8, $9, $11, $12, $13, $6,
        $14,
        $15, 'true'::boolean,
        coalesce((SELECT f.served_at FROM tenant_fences f
            WHERE f.tenant_id = p.tenant_id AND f.scope = $11), '-infinity'),
        1
    FROM permitted p
    WHERE NOT EXISTS (SELECT 1 FROM active)
    ON CONFLICT (tenant_id, kind, identity) WHERE status IN ('queued', 'running')
    DO UPDATE SET priority = greatest(r.priority, EXCLUDED.priority)
    RETURNING r.*
),
r AS (
    SELECT * FROM inserted
    UNION ALL
    SELECT * FROM active
),
event AS (
    INSERT INTO operation_run_events (run_id, seq, attempt, event)
    SELECT id, 1, 0, 'queued' FROM inserted WHERE id = $10
),
notification AS (
    INSERT INTO notifications (id, user_id, tenant_id, run_id, phase, title, body)
    SELECT $16, $6, $1, i.id, 'queued', replace($17, '{tenant}', p.name),
        replace($18, '{tenant}', p.name)
    FROM inserted i, permitted p
    WHERE i.id = $10
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, detail)
    SELECT $19, $1, 'worker', $6,
        CASE WHEN r.id = $10 THEN 'operation_run.started' ELSE 'operation_run.joined' END,
        'operation_run', r.id::text, 'allowed',
        jsonb_build_object('scheduled', true, 'due_at', $4::timestamptz)
    FROM r
),
fired AS (
    UPDATE tenant_schedules s
    SET next_due_at = $5, last_due_at = $4, last_fired_at = clock_timestamp(),
        last_run_id = r.id, skipped_due_at = NULL, skip_reason = NULL
    FROM r
    WHERE s.tenant_id = $1
)
SELECT r.id, (r.id = $10) AS created FROM r
