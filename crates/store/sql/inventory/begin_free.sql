-- inventory.begin_free
--
-- As inventory.begin, but leaves out runs of which somebody holds a row.
WITH
\ir inventory/pieces/asked.sql
kept AS (
    SELECT r.id
    FROM operation_runs r
    WHERE r.id = ANY (:runs)
    FOR KEY SHARE SKIP LOCKED
),
guard AS (
    SELECT a.*
    FROM tenant_fences f
        JOIN asked a ON f.tenant_id = a.tenant AND f.scope = a.scope AND f.fence = a.fence
            AND f.token = a.token
    WHERE f.tenant_id = ANY (:tenants) AND a.run IN (SELECT id FROM kept)
    FOR SHARE OF f SKIP LOCKED
),
\ir inventory/pieces/begun.sql
