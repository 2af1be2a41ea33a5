-- Written by `cargo xtask schema` from inventory/record_unread_logs.sql.
-- $1 tenant: uuid
-- $2 scope: text
-- $3 fence: int8
-- $4 token: uuid
-- $5 run: uuid
-- $6 unread: jsonb
-- returns held: bool
-- inventory.record_unread_logs
--
-- Records why a run could not read audit logs, by their names. Returns whether the guard held.
WITH
-- Holds while the caller's fence is that of the tenant. FOR SHARE makes the check and the write
-- one: whoever takes the run over updates this row, and so waits for our commit or comes first.
guard AS (
    SELECT 1 AS held
    FROM tenant_fences f
    WHERE f.tenant_id = $1 AND f.scope = $2 AND f.fence = $3 AND f.token = $4
    FOR SHARE
),
recorded AS (
    UPDATE inventory_sync_runs x
    SET unread_logs = $6
    FROM guard
    WHERE x.run_id = $5
)
SELECT EXISTS (SELECT 1 FROM guard) AS held
