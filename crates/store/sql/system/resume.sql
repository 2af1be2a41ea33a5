-- system.resume
--
-- Lets runs of a kind be claimed again. The time of the pause does not count toward the queue limit
-- of the runs that it held.
WITH resumed AS (
    DELETE FROM queue_controls q WHERE q.kind = :kind RETURNING q.kind, q.paused_at
),
held AS (
    UPDATE operation_runs r
    SET expires_at = r.expires_at + (clock_timestamp() - greatest(p.paused_at, r.created_at))
    FROM resumed p
    WHERE r.kind = p.kind AND r.status = 'queued'
)
SELECT count(*) AS resumed FROM resumed
