-- Written by `cargo xtask schema` from runs/request_cancel_of_disabled.sql.
-- $1 reason: text
-- $2 grace_ms: int8
-- returns queued: bool
-- runs.request_cancel_of_disabled
--
-- Asks running runs whose tenants are disabled to stop. Nobody is named as who asked for that. Their
-- workers learn of it by their next heartbeats. Returns whether such tenants have queued runs.
WITH changed AS (
    UPDATE operation_runs r
    SET cancel_requested_at = clock_timestamp(), cancel_reason = $1,
        cancel_deadline_at = clock_timestamp() + $2::bigint * interval '1 millisecond',
        updated_at = clock_timestamp(), event_seq = r.event_seq + 1
    WHERE r.status = 'running' AND r.cancel_requested_at IS NULL
        AND r.tenant_id IN (SELECT t.id FROM tenants t WHERE NOT t.enabled)
    RETURNING r.id, r.event_seq, r.attempt
),
event AS (
    INSERT INTO operation_run_events (run_id, seq, attempt, event)
    SELECT c.id, c.event_seq, c.attempt, 'cancel_requested' FROM changed c
)
SELECT EXISTS (
    SELECT 1 FROM tenants t JOIN operation_runs r ON r.tenant_id = t.id
    WHERE NOT t.enabled AND r.status = 'queued'
) AS queued
