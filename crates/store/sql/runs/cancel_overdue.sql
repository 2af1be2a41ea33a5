-- runs.cancel_overdue
--
-- Ends a run of a kind whose worker did not honour a request to stop in time.
WITH held AS (
    SELECT r.id, r.tenant_id, r.lock_scope
    FROM operation_runs r
        JOIN tenant_fences f ON f.tenant_id = r.tenant_id AND f.scope = r.lock_scope
    WHERE r.status = :'source' AND r.kind = :kind AND r.cancel_deadline_at < statement_timestamp()
    ORDER BY r.lease_expires_at
    LIMIT 1
    FOR UPDATE OF r, f SKIP LOCKED
),
\ir runs/pieces/take_over.sql
changed AS (
    UPDATE operation_runs r
    SET status = 'completed', outcome = 'cancelled', error = NULL, completed_at = clock_timestamp(),
\ir runs/pieces/no_lease.sql
    FROM fenced
    WHERE r.id = fenced.id AND r.status = :'source'
    RETURNING r.*
),
\ir runs/pieces/message.sql
\ir runs/pieces/recorded.sql
SELECT c.status FROM changed c
