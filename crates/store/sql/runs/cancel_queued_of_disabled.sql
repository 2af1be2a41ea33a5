-- runs.cancel_queued_of_disabled
--
-- Ends a queued run of a kind whose tenant is disabled. Nobody is named as who asked for that.
WITH held AS (
    SELECT r.id
    FROM operation_runs r
    WHERE r.status = :'source' AND r.kind = :kind
        AND r.tenant_id IN (SELECT t.id FROM tenants t WHERE NOT t.enabled)
    LIMIT 1
    FOR UPDATE SKIP LOCKED
),
changed AS (
    UPDATE operation_runs r
    SET status = 'completed', outcome = 'cancelled', error = NULL,
        completed_at = clock_timestamp(), cancel_requested_at = clock_timestamp(),
        cancel_reason = :reason, cancel_deadline_at = clock_timestamp(),
        updated_at = clock_timestamp(), event_seq = r.event_seq + 1
    FROM held
    WHERE r.id = held.id AND r.status = :'source'
    RETURNING r.*
),
\ir runs/pieces/message.sql
\ir runs/pieces/recorded.sql
SELECT c.status FROM changed c
