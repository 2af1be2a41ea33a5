-- Written by `cargo xtask schema` from runs/heartbeat.sql.
-- $1 run: uuid
-- $2 attempt: int4
-- $3 token: uuid
-- $4 lease_ms: int8
-- $5 progress: jsonb
-- returns cancel_requested: bool
-- runs.heartbeat
--
-- Renews a lease of its owner, and writes progress when there is some.
UPDATE operation_runs r
SET heartbeat_at = clock_timestamp(),
    lease_expires_at = clock_timestamp() + $4::bigint * interval '1 millisecond',
    progress = coalesce($5, r.progress),
    updated_at = clock_timestamp()
WHERE r.id = $1 AND r.attempt = $2 AND r.lease_token = $3 AND r.status = 'running'
RETURNING (r.cancel_requested_at IS NOT NULL) AS cancel_requested
