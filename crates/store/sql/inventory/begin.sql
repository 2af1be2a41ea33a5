-- inventory.begin
--
-- Records what runs read, and returns those that are their owners' still. Locks the rows of the
-- runs, which what is recorded refers to, then those of their fences, in the order in which
-- everybody locks them, and waits for whoever holds them. FOR SHARE of the fence makes the check
-- and the write one, as for every write of a sync. `= ANY` repeats what the joins say: from it the
-- planner knows that few rows are asked for, and takes an index.
WITH
\ir inventory/pieces/asked.sql
kept AS (
    SELECT r.id
    FROM operation_runs r
    WHERE r.id = ANY (:runs)
    FOR KEY SHARE
),
guard AS (
    SELECT a.*
    FROM tenant_fences f
        JOIN asked a ON f.tenant_id = a.tenant AND f.scope = a.scope AND f.fence = a.fence
            AND f.token = a.token
    WHERE f.tenant_id = ANY (:tenants) AND a.run IN (SELECT id FROM kept)
    FOR SHARE OF f
),
\ir inventory/pieces/begun.sql
