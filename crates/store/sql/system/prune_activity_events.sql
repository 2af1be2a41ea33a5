-- system.prune_activity_events
--
-- Deletes a batch of old events of Microsoft Graph's audit logs.
DELETE FROM activity_events d
WHERE d.ctid = ANY (ARRAY(
    SELECT e.ctid
    FROM activity_events e
    WHERE e.occurred_at < statement_timestamp() - :'kept'::interval
    ORDER BY e.occurred_at
    LIMIT :batch
    FOR UPDATE SKIP LOCKED
))
