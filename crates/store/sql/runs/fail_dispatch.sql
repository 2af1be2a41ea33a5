-- runs.fail_dispatch
--
-- Ends a run that could not be put into Redis, unless a worker has had it after all. A key with which it
-- was started is free again.
WITH changed AS (
    UPDATE operation_runs r
    SET status = 'completed', outcome = 'failed', error = :error,
        completed_at = clock_timestamp(), updated_at = clock_timestamp(),
        event_seq = r.event_seq + 1
    WHERE r.id = :run AND r.attempt = 0 AND r.status = :'source'
    RETURNING r.*
),
\ir runs/pieces/message.sql
\ir runs/pieces/recorded.sql
, freed AS (
    DELETE FROM start_keys k
    USING changed c
    WHERE k.user_id = c.initiator_id AND k.run_id = c.id
)
SELECT
\ir runs/pieces/columns.sql
FROM changed r
    JOIN tenants t ON t.id = r.tenant_id
    JOIN users u ON u.id = r.initiator_id
