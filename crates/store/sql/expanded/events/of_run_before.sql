-- Written by `cargo xtask schema` from events/of_run_before.sql.
-- $1 tenant: uuid
-- $2 run: uuid
-- $3 position: int8
-- $4 seq: int4
-- $5 limit: int8
-- returns position: int8
-- returns mark: int8
-- returns seq: int4
-- returns id: uuid
-- returns event_type: text
-- returns occurred_at: timestamptz
-- returns tenant_id: uuid
-- returns run_id: uuid
-- returns data: jsonb
-- events.of_run_before
--
-- As of_run, newest first, before a place.
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
-- Follows `e`, an event of a run, and `r`, the run: its type and data in the log. The last event of a run
-- that has ended is its completion, whatever the transition was called.
        CROSS JOIN LATERAL (
            SELECT CASE
                    WHEN r.status = 'completed' AND e.seq = r.event_seq THEN 'operation_run.completed'
                    WHEN e.event = ANY ('{retried,handed_back,lease_lost}'::text[]) THEN 'operation_run.requeued'
                    ELSE 'operation_run.' || e.event
                END AS event_type
        ) y
        CROSS JOIN LATERAL (
            SELECT y.event_type, jsonb_strip_nulls(jsonb_build_object(
                'kind', r.kind,
                'sequence', e.seq,
                'attempt', nullif(e.attempt, 0),
                'worker_id', e.detail->'worker_id',
                'phase', e.detail->'phase',
                'requested_by', e.detail->'requested_by',
                'reason', CASE WHEN y.event_type = 'operation_run.requeued' THEN e.event END,
                'error_code', e.detail->'code',
                'outcome', CASE WHEN y.event_type = 'operation_run.completed' THEN r.outcome END,
                'counts', CASE WHEN y.event_type = 'operation_run.completed' THEN r.counts END
            )) AS data
        ) x
WHERE r.id = $2 AND r.tenant_id = $1 AND (e.position, e.seq) < ($3, $4)
ORDER BY e.seq DESC
LIMIT $5
