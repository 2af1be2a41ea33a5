-- Written by `cargo xtask schema` from schedules/remove.sql.
-- $1 tenant: uuid
-- $2 user: uuid
-- $3 roles: _text
-- $4 audit: uuid
-- $5 request: uuid
-- $6 request_name: text
-- $7 address: text
-- $8 user_agent: text
-- returns count: int8
-- schedules.remove
--
-- Removes the schedule of a tenant, if it has one.
WITH
-- The membership of who changes the schedule, while it permits that.
permitted AS (
    SELECT m.user_id, m.tenant_id
    FROM memberships m JOIN users u ON u.id = m.user_id
    WHERE m.user_id = $2 AND m.tenant_id = $1 AND m.role = ANY ($3)
        AND u.disabled_at IS NULL
),
removed AS (
    DELETE FROM tenant_schedules s
    USING permitted p
    WHERE s.tenant_id = p.tenant_id
    RETURNING s.tenant_id, p.user_id
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent)
    SELECT $4, d.tenant_id, 'user', d.user_id, 'schedule.removed', 'schedule', d.tenant_id::text,
        'allowed', $5, $6, $7, $8
    FROM removed d
)
SELECT count(*) AS count FROM permitted
