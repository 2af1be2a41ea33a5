-- runs.fail_queue_timeout
--
-- Ends a run of a kind that waited longer than its limit. While the kind is paused no limit ends a
-- run: nobody could have taken it.
WITH held AS (
    SELECT r.id
    FROM operation_runs r
    WHERE r.status = :'source' AND r.kind = :kind AND r.expires_at < statement_timestamp()
        AND NOT EXISTS (SELECT 1 FROM queue_controls q WHERE q.kind = r.kind)
    LIMIT 1
    FOR UPDATE SKIP LOCKED
),
changed AS (
    UPDATE operation_runs r
    SET status = 'completed', outcome = 'failed', error = :error,
        completed_at = clock_timestamp(), updated_at = clock_timestamp(),
        event_seq = r.event_seq + 1
    FROM held
    WHERE r.id = held.id AND r.status = :'source'
    RETURNING r.*
),
\ir runs/pieces/message.sql
\ir runs/pieces/recorded.sql
SELECT c.status FROM changed c
