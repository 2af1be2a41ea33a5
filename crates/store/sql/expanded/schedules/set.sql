-- Written by `cargo xtask schema` from schedules/set.sql.
-- $1 tenant: uuid
-- $2 user: uuid
-- $3 roles: _text
-- $4 time_of_day: text
-- $5 cron: text
-- $6 zone: text
-- $7 jitter_minutes: int4
-- $8 catch_up: text
-- $9 next: timestamptz
-- $10 audit: uuid
-- $11 request: uuid
-- $12 request_name: text
-- $13 address: text
-- $14 user_agent: text
-- $15 detail: jsonb
-- returns count: int8
-- schedules.set
--
-- Sets the schedule of a tenant in place of the one before, and goes on where that one was: what it
-- fired last stays. No row when the member may not any more.
WITH
-- The membership of who changes the schedule, while it permits that.
permitted AS (
    SELECT m.user_id, m.tenant_id
    FROM memberships m JOIN users u ON u.id = m.user_id
    WHERE m.user_id = $2 AND m.tenant_id = $1 AND m.role = ANY ($3)
        AND u.disabled_at IS NULL
),
set_anew AS (
    INSERT INTO tenant_schedules (tenant_id, time_of_day, cron, zone, jitter_minutes, catch_up, set_by,
        next_due_at)
    SELECT p.tenant_id, $4, $5, $6, $7, $8, p.user_id, $9
    FROM permitted p
    ON CONFLICT (tenant_id) DO UPDATE
    SET time_of_day = EXCLUDED.time_of_day, cron = EXCLUDED.cron, zone = EXCLUDED.zone,
        jitter_minutes = EXCLUDED.jitter_minutes, catch_up = EXCLUDED.catch_up,
        set_by = EXCLUDED.set_by, set_at = clock_timestamp(), next_due_at = EXCLUDED.next_due_at,
        skipped_due_at = NULL, skip_reason = NULL, stopped_at = NULL, stop_reason = NULL
    RETURNING 1
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent, detail)
    SELECT $10, p.tenant_id, 'user', p.user_id, 'schedule.set', 'schedule', p.tenant_id::text,
        'allowed', $11, $12, $13, $14, $15::jsonb
    FROM permitted p
)
SELECT count(*) AS count FROM set_anew
