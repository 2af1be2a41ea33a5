-- runs.admit
--
-- Records a run or joins the same active one: one round trip, one commit. The active run is read
-- first and joined without writing its row: many callers of one run would queue for that row, before
-- its worker's heartbeats. Only a miss inserts; a race with another insert ends in DO UPDATE, which
-- always gives a row. The proposed id says whether the run was created. A join is committed without
-- waiting for the disk: only its audit entry could be lost.
WITH permitted AS (
    SELECT t.id AS tenant_id, t.name
    FROM memberships m
        JOIN tenants t ON t.id = m.tenant_id
        JOIN users i ON i.id = m.user_id
        JOIN tenant_credentials k ON k.tenant_id = t.id
    WHERE m.user_id = :initiator AND m.tenant_id = :tenant AND m.role = ANY (:roles)
        AND i.disabled_at IS NULL AND t.enabled
),
active AS (
    SELECT r.*
    FROM permitted p JOIN operation_runs r ON r.tenant_id = p.tenant_id
    WHERE r.kind = :kind AND r.identity = :identity AND r.status IN ('queued', 'running')
),
inserted AS (
    INSERT INTO operation_runs AS r (id, tenant_id, kind, identity, lock_scope, inputs,
        initiator_id, retry_of, priority, served_at, event_seq)
    SELECT :run, p.tenant_id, :kind, :identity, :lock_scope, :inputs, :initiator, :retry_of,
        :priority,
        coalesce((SELECT f.served_at FROM tenant_fences f
            WHERE f.tenant_id = p.tenant_id AND f.scope = :lock_scope), '-infinity'),
        1
    FROM permitted p
    WHERE NOT EXISTS (SELECT 1 FROM active)
    ON CONFLICT (tenant_id, kind, identity) WHERE status IN ('queued', 'running')
    DO UPDATE SET updated_at = r.updated_at
    RETURNING r.*
),
r AS (
    SELECT * FROM inserted
    UNION ALL
    SELECT * FROM active
),
event AS (
    INSERT INTO operation_run_events (run_id, seq, attempt, event)
    SELECT id, 1, 0, 'queued' FROM inserted WHERE id = :run
),
notification AS (
    INSERT INTO notifications (id, user_id, tenant_id, run_id, phase, title, body)
    SELECT :notification, :initiator, :tenant, i.id, 'queued', replace(:title, '{tenant}', p.name),
        replace(:body, '{tenant}', p.name)
    FROM inserted i, permitted p
    WHERE i.id = :run
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
