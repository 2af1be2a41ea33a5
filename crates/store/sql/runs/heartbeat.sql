-- runs.heartbeat
--
-- Renews a lease of its owner, and writes progress when there is some. A phase that the run has reached is
-- an event. The row is locked first: an update does not return what it replaces.
WITH held AS MATERIALIZED (
    SELECT r.id,
        coalesce(:progress::jsonb->>'phase' <> coalesce(r.progress->>'phase', :'first'), false)
            AS reached
    FROM operation_runs r
    WHERE r.id = :run AND r.attempt = :attempt AND r.lease_token = :token AND r.status = :'source'
    FOR UPDATE
),
renewed AS (
    UPDATE operation_runs r
    SET heartbeat_at = clock_timestamp(),
        lease_expires_at = clock_timestamp() + :lease_ms::bigint * interval '1 millisecond',
        progress = coalesce(:progress, r.progress),
        event_seq = r.event_seq + h.reached::integer,
        updated_at = clock_timestamp()
    FROM held h
    WHERE r.id = h.id AND r.status = :'source'
    RETURNING r.id, r.attempt, r.event_seq, h.reached,
        (r.cancel_requested_at IS NOT NULL) AS cancel_requested
),
event AS (
    INSERT INTO operation_run_events (run_id, seq, attempt, event, detail)
    SELECT n.id, n.event_seq, n.attempt, 'phase_reached',
        jsonb_build_object('phase', :progress::jsonb->'phase')
    FROM renewed n
    WHERE n.reached
)
SELECT n.cancel_requested FROM renewed n
