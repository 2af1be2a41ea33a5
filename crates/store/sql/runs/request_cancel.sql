-- runs.request_cancel
--
-- Asks a running run to stop: its worker learns of it by its next heartbeat.
WITH changed AS (
    UPDATE operation_runs r
    SET
\ir runs/pieces/cancel_asked.sql
    WHERE r.id = :run AND r.status = :'source' AND r.cancel_requested_at IS NULL
    RETURNING r.*
),
\ir runs/pieces/cancel_recorded.sql
SELECT
\ir runs/pieces/columns.sql
FROM changed r
    JOIN tenants t ON t.id = r.tenant_id
    JOIN users u ON u.id = r.initiator_id
