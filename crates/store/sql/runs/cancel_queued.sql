-- runs.cancel_queued
--
-- Ends a queued run as cancelled. No worker has it, so no fence is raised: nobody holds the one that
-- a write would need.
WITH changed AS (
    UPDATE operation_runs r
    SET status = 'completed', outcome = 'cancelled', error = NULL,
        completed_at = clock_timestamp(),
\ir runs/pieces/cancel_asked.sql
    WHERE r.id = :run AND r.status = :'source'
    RETURNING r.*
),
\ir runs/pieces/cancel_recorded.sql
, notification AS (
    INSERT INTO notifications (id, user_id, tenant_id, run_id, phase, title, body)
    SELECT :notification, c.initiator_id, c.tenant_id, c.id, 'terminal',
        replace(:title, '{tenant}', t.name), replace(:body, '{tenant}', t.name)
    FROM changed c
        JOIN tenants t ON t.id = c.tenant_id
        JOIN memberships b ON b.user_id = c.initiator_id AND b.tenant_id = c.tenant_id
    ON CONFLICT ON CONSTRAINT one_per_phase DO NOTHING
)
SELECT
\ir runs/pieces/columns.sql
FROM changed r
    JOIN tenants t ON t.id = r.tenant_id
    JOIN users u ON u.id = r.initiator_id
