-- runs.find
--
-- A run as it is, for whoever has just changed it.
SELECT
\ir runs/pieces/columns.sql
FROM operation_runs r
    JOIN tenants t ON t.id = r.tenant_id
    JOIN users u ON u.id = r.initiator_id
WHERE r.id = :run
