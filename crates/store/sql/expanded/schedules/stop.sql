-- Written by `cargo xtask schema` from schedules/stop.sql.
-- $1 tenant: uuid
-- $2 set_at: timestamptz
-- $3 due: timestamptz
-- $4 reason: text
-- $5 roles: _text
-- $6 title: text
-- $7 body: text
-- $8 audit: uuid
-- returns count: int8
-- schedules.stop
--
-- Stops a schedule whose setter may not sync the tenant any more, notifies the tenant's owners, and writes
-- the events of it.
WITH
-- The schedule, unless it was set anew, another worker saw to its due time, or one is about to.
held AS (
    SELECT s.tenant_id, s.set_by
    FROM tenant_schedules s
    WHERE s.tenant_id = $1 AND s.set_at = $2 AND s.next_due_at = $3
        AND s.next_due_at <= statement_timestamp()
    FOR UPDATE SKIP LOCKED
),
stopped AS (
    UPDATE tenant_schedules s
    SET next_due_at = NULL, stopped_at = clock_timestamp(), stop_reason = $4
    FROM held h
    WHERE s.tenant_id = h.tenant_id
        AND NOT EXISTS (
            SELECT 1
            FROM memberships m JOIN users u ON u.id = m.user_id
            WHERE m.user_id = h.set_by AND m.tenant_id = h.tenant_id AND m.role = ANY ($5)
                AND u.disabled_at IS NULL
        )
    RETURNING s.tenant_id, s.set_by
),
notice AS (
    INSERT INTO tenant_notices (id, user_id, tenant_id, kind, title, body)
    SELECT gen_random_uuid(), m.user_id, c.tenant_id, 'schedule_stopped',
        replace($6, '{tenant}', t.name),
        replace(replace($7, '{tenant}', t.name), '{setter}', s.display_name)
    FROM stopped c
        JOIN tenants t ON t.id = c.tenant_id
        JOIN users s ON s.id = c.set_by
        JOIN memberships m ON m.tenant_id = c.tenant_id AND m.role = 'owner'
        JOIN users u ON u.id = m.user_id AND u.disabled_at IS NULL
    RETURNING id, user_id, tenant_id, kind
),
-- Follows `notice`, the new notifications that are about no run: their events.
notified AS (
    INSERT INTO pending_events (id, event_type, tenant_id, user_id, personal, data)
    SELECT event_id(statement_timestamp(), 'notification ' || n.id), 'notification.created', n.tenant_id,
        n.user_id, true, jsonb_build_object('notification_id', n.id, 'phase', n.kind)
    FROM notice n
),
happened AS (
    INSERT INTO pending_events (id, event_type, tenant_id, data)
    SELECT event_id(statement_timestamp(), 'schedule ' || c.tenant_id), 'schedule.stopped', c.tenant_id,
        jsonb_build_object('reason', $4::text)
    FROM stopped c
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, detail)
    SELECT $8, c.tenant_id, 'worker', c.set_by, 'schedule.stopped', 'schedule', c.tenant_id::text,
        'failed', jsonb_build_object('reason', $4::text)
    FROM stopped c
)
SELECT count(*) AS count FROM stopped
