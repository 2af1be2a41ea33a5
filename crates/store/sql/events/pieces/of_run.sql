-- An event `e` of a run `r` as the log has it. Conditions, order and limit follow.
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
