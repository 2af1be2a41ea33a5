-- inventory.record_unread_logs
--
-- Records why a run could not read audit logs, by their names. Returns whether the guard held.
WITH
\ir inventory/pieces/guard.sql
recorded AS (
    UPDATE inventory_sync_runs x
    SET unread_logs = :unread
    FROM guard
    WHERE x.run_id = :run
)
SELECT EXISTS (SELECT 1 FROM guard) AS held
