-- runs.requeue_lost
--
-- Takes a run of a kind from a worker whose lease ran out: it is queued again, or ends when that
-- happened too often or when it was asked to stop. Rows that somebody holds are left for the next
-- round.
--
-- A heartbeat from the future was written before the database's clock was set back. A lease as old
-- may be nobody's, and would run out that much later; its owner, if it lives, loses the run to the
-- fence as any other does.
WITH held AS (
    SELECT r.id, r.tenant_id, r.lock_scope
    FROM operation_runs r
        JOIN tenant_fences f ON f.tenant_id = r.tenant_id AND f.scope = r.lock_scope
    WHERE r.status = :'source' AND r.kind = :kind
        AND (r.lease_expires_at < statement_timestamp()
            OR r.heartbeat_at > statement_timestamp() + interval '1 minute')
    ORDER BY r.lease_expires_at
    LIMIT 1
    FOR UPDATE OF r, f SKIP LOCKED
),
\ir runs/pieces/take_over.sql
changed AS (
    UPDATE operation_runs r
    SET status = CASE WHEN r.cancel_requested_at IS NOT NULL OR r.failures + 1 >= r.max_failures
            THEN 'completed' ELSE 'queued' END,
        outcome = CASE WHEN r.cancel_requested_at IS NOT NULL THEN 'cancelled'
            WHEN r.failures + 1 >= r.max_failures THEN 'failed' END,
        completed_at = CASE
            WHEN r.cancel_requested_at IS NOT NULL OR r.failures + 1 >= r.max_failures
            THEN clock_timestamp() END,
        error = CASE WHEN r.cancel_requested_at IS NULL THEN :error::jsonb END,
        failures = r.failures + 1,
        wait_reason = 'worker_lost',
\ir runs/pieces/no_lease.sql
    FROM fenced
    WHERE r.id = fenced.id AND r.status = :'source'
    RETURNING r.*
),
\ir runs/pieces/message.sql
\ir runs/pieces/recorded.sql
SELECT c.status FROM changed c
