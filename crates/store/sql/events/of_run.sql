-- events.of_run
--
-- A page of the events of a run, in their order, as the log has them; also those that the log has not any
-- more, or not yet had. A numbering that was pruned has no mark.
SELECT e.position, coalesce(n.mark, 0) AS mark, e.seq, event_id(e.at, e.run_id || ' ' || e.seq) AS id,
    x.event_type, e.at AS occurred_at, r.tenant_id, r.id AS run_id, x.data
FROM operation_runs r
    JOIN operation_run_events e ON e.run_id = r.id
    LEFT JOIN LATERAL (
        SELECT b.mark
        FROM event_numberings b
        WHERE b.last_position >= e.position
        ORDER BY b.last_position
        LIMIT 1
    ) n ON true
\ir events/pieces/run_event.sql
WHERE r.id = :run AND r.tenant_id = :tenant AND (e.position, e.seq) > (:position, :seq)
ORDER BY e.seq
LIMIT :limit
