-- schedules.stop
--
-- Stops a schedule whose setter may not sync the tenant any more, notifies the tenant's owners, and writes
-- the events of it.
WITH
\ir schedules/pieces/held.sql
stopped AS (
    UPDATE tenant_schedules s
    SET next_due_at = NULL, stopped_at = clock_timestamp(), stop_reason = :reason
    FROM held h
    WHERE s.tenant_id = h.tenant_id
        AND NOT EXISTS (
            SELECT 1
            FROM memberships m JOIN users u ON u.id = m.user_id
            WHERE m.user_id = h.set_by AND m.tenant_id = h.tenant_id AND m.role = ANY (:roles)
                AND u.disabled_at IS NULL
        )
    RETURNING s.tenant_id, s.set_by
),
notice AS (
    INSERT INTO tenant_notices (id, user_id, tenant_id, kind, title, body)
    SELECT gen_random_uuid(), m.user_id, c.tenant_id, :'notice',
        replace(:title, '{tenant}', t.name),
        replace(replace(:body, '{tenant}', t.name), '{setter}', s.display_name)
    FROM stopped c
        JOIN tenants t ON t.id = c.tenant_id
        JOIN users s ON s.id = c.set_by
        JOIN memberships m ON m.tenant_id = c.tenant_id AND m.role = :'owner'
        JOIN users u ON u.id = m.user_id AND u.disabled_at IS NULL
    RETURNING id, user_id, tenant_id, kind
),
\ir events/pieces/of_notices.sql
happened AS (
    INSERT INTO pending_events (id, event_type, tenant_id, data)
    SELECT event_id(statement_timestamp(), 'schedule ' || c.tenant_id), :'event', c.tenant_id,
        jsonb_build_object('reason', :reason::text)
    FROM stopped c
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, detail)
    SELECT :audit, c.tenant_id, :'actor', c.set_by, :'action', 'schedule', c.tenant_id::text,
        'failed', jsonb_build_object('reason', :reason::text)
    FROM stopped c
)
SELECT count(*) AS count FROM stopped
