-- Written by `cargo xtask schema` from system/prune_runs.sql.
-- $1 age_ms: int8
-- $2 batch: int8
-- system.prune_runs
--
-- Deletes a batch of runs that ended long ago, the oldest first. A tenant's newest run of each kind
-- and outcome stays, so that it is still known when the tenant was last synced. Events, results, sync
-- runs and notifications go by their foreign keys; a run that repeats this one forgets that it does.
-- Items remember the run that last saw them by its id only.
--
-- The condition on a newer run is a subquery that cannot become a join: the index on a tenant's ended
-- runs answers it for each old run. It is walked from its newest entry, which mostly is the answer.
-- What is deleted is an array for a like reason: of a table the planner would believe that it holds a
-- tenth of all runs, and read those whole.
WITH old AS (
    SELECT r.id
    FROM operation_runs r
    WHERE r.status = 'completed'
        AND r.completed_at < statement_timestamp() - $1::bigint * interval '1 millisecond'
        AND (SELECT true FROM operation_runs n
            WHERE n.tenant_id = r.tenant_id AND n.outcome = r.outcome AND n.kind = r.kind
                AND (n.created_at, n.id) > (r.created_at, r.id)
            ORDER BY n.created_at DESC, n.id DESC
            LIMIT 1) IS TRUE
    ORDER BY r.completed_at
    LIMIT $2
    FOR UPDATE OF r SKIP LOCKED
)
DELETE FROM operation_runs d
WHERE d.id = ANY (ARRAY(SELECT id FROM old)) AND d.status = 'completed'
