-- runs.heartbeat
--
-- Renews a lease of its owner, and writes progress when there is some.
UPDATE operation_runs r
SET heartbeat_at = clock_timestamp(),
    lease_expires_at = clock_timestamp() + :lease_ms::bigint * interval '1 millisecond',
    progress = coalesce(:progress, r.progress),
    updated_at = clock_timestamp()
WHERE r.id = :run AND r.attempt = :attempt AND r.lease_token = :token AND r.status = :'source'
RETURNING (r.cancel_requested_at IS NOT NULL) AS cancel_requested
