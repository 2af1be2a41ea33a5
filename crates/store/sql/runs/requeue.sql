-- runs.requeue
--
-- Gives a run back as its owner, after :failures further failures. Locks the run's row, then raises
-- the fence, both only if they are still the owner's. A request to cancel ends the run instead, and
-- so does the last permitted failure.
WITH held AS (
    SELECT r.id, r.tenant_id, r.lock_scope, r.cancel_requested_at IS NOT NULL AS cancelled,
        r.failures + :failures >= r.max_failures AND :failures > 0 AS exhausted
    FROM operation_runs r
    WHERE r.id = :run AND r.attempt = :attempt AND r.lease_token = :token AND r.status = :'source'
    FOR UPDATE
),
fenced AS (
    UPDATE tenant_fences f
    SET fence = f.fence + 1, token = NULL
    FROM held h
    WHERE f.tenant_id = h.tenant_id AND f.scope = h.lock_scope AND f.fence = :fence
    RETURNING h.id, h.cancelled, h.exhausted
),
changed AS (
    UPDATE operation_runs r
    SET status = CASE WHEN h.cancelled OR h.exhausted THEN 'completed' ELSE 'queued' END,
        outcome = CASE WHEN h.cancelled THEN 'cancelled' WHEN h.exhausted THEN 'failed' END,
        completed_at = CASE WHEN h.cancelled OR h.exhausted THEN clock_timestamp() END,
        failures = r.failures + :failures,
        error = CASE WHEN NOT h.cancelled THEN :error::jsonb END,
        not_before = clock_timestamp() + :delay_ms::bigint * interval '1 millisecond',
        wait_reason = :wait_reason,
\ir runs/pieces/no_lease.sql
    FROM fenced h
    WHERE r.id = h.id AND r.status = :'source'
    RETURNING r.*
),
\ir runs/pieces/message.sql
\ir runs/pieces/recorded.sql
SELECT c.status, c.outcome FROM changed c
