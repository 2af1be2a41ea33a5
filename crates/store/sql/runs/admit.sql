-- runs.admit
--
-- Records a run or joins the same active one: one round trip, one commit. The active run is read
-- first and joined without writing its row: many callers of one run would queue for that row, before
-- its worker's heartbeats. Only a miss inserts; a race with another insert ends in DO UPDATE, which
-- always gives a row. The proposed id says whether the run was created. A join is committed without
-- waiting for the disk: only its audit entry could be lost. One exception: a run that a schedule started
-- and that still waits gets the priority of who joins it.
WITH permitted AS (
    SELECT t.id AS tenant_id, t.name
    FROM memberships m
        JOIN tenants t ON t.id = m.tenant_id
        JOIN users i ON i.id = m.user_id
        JOIN tenant_credentials k ON k.tenant_id = t.id
    WHERE m.user_id = :initiator AND m.tenant_id = :tenant AND m.role = ANY (:roles)
        AND i.disabled_at IS NULL AND t.enabled
),
\ir runs/pieces/admitted.sql
raised AS (
    UPDATE operation_runs q
    SET priority = :priority
    FROM active a
    WHERE q.id = a.id AND q.scheduled AND q.status = 'queued' AND q.priority < :priority
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, address, user_agent)
    SELECT :audit, :tenant, 'user', :initiator,
        CASE WHEN r.id = :run THEN :'started' ELSE :'joined' END,
        'operation_run', r.id::text, 'allowed', :request, :address, :user_agent
    FROM r
)
SELECT
\ir runs/pieces/columns.sql
    , CASE WHEN r.id = :run THEN true
        ELSE set_config('synchronous_commit', 'off', true) IS NULL END AS created
FROM r
    JOIN tenants t ON t.id = r.tenant_id
    JOIN users u ON u.id = r.initiator_id
