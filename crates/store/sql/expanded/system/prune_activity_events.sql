-- Written by `cargo xtask schema` from system/prune_activity_events.sql.
-- $1 batch: int8
-- system.prune_activity_events
--
-- Deletes a batch of old events of Microsoft Graph's audit logs.
DELETE FROM activity_events d
WHERE d.ctid = ANY (ARRAY(
    SELECT e.ctid
    FROM activity_events e
    WHERE e.occurred_at < statement_timestamp() - '30 days'::interval
    ORDER BY e.occurred_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
))
