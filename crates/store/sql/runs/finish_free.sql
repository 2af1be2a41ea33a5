-- runs.finish_free
--
-- Ends runs as their owners. Locks the rows of the runs, then those of their fences, both only if
-- they are still the owner's, and leaves out runs whose rows somebody holds. `= ANY` says what the join says
-- too: from it the planner knows that few rows are asked for, and takes an index.
WITH
\ir runs/pieces/endings.sql
held AS (
    SELECT r.id, r.tenant_id, r.lock_scope, a.fence
    FROM asked a
        JOIN operation_runs r ON r.id = a.id AND r.attempt = a.attempt AND r.lease_token = a.token
            AND r.status = :'source'
    WHERE r.id = ANY (:runs)
    FOR UPDATE OF r SKIP LOCKED
),
owned AS (
    SELECT h.id, f.tenant_id, f.scope
    FROM held h
        JOIN tenant_fences f ON f.tenant_id = h.tenant_id AND f.scope = h.lock_scope
            AND f.fence = h.fence
    FOR UPDATE OF f SKIP LOCKED
),
\ir runs/pieces/end_owned.sql
