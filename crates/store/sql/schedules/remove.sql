-- schedules.remove
--
-- Removes the schedule of a tenant, if it has one.
WITH
\ir schedules/pieces/permitted.sql
removed AS (
    DELETE FROM tenant_schedules s
    USING permitted p
    WHERE s.tenant_id = p.tenant_id
    RETURNING s.tenant_id, p.user_id
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent)
    SELECT :audit, d.tenant_id, 'user', d.user_id, :'action', 'schedule', d.tenant_id::text,
        'allowed', :request, :request_name, :address, :user_agent
    FROM removed d
)
SELECT count(*) AS count FROM permitted
