-- Follows `r`, the run that was created or joined: its audit entry, and the run as it is answered.
raised AS (
    UPDATE operation_runs q
    SET priority = :priority
    FROM active a
    WHERE q.id = a.id AND q.status = 'queued' AND q.priority < :priority
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent)
    SELECT :audit, :tenant, 'user', :initiator,
        CASE WHEN r.id = :run THEN :'started' ELSE :'joined' END,
        'operation_run', r.id::text, 'allowed', :request, :request_name, :address, :user_agent
    FROM r
)
SELECT
\ir runs/pieces/columns.sql
    , CASE WHEN r.id = :run THEN true
        ELSE set_config('synchronous_commit', 'off', true) IS NULL END AS created
FROM r
    JOIN tenants t ON t.id = r.tenant_id
    JOIN users u ON u.id = r.initiator_id
