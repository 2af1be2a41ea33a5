-- Follows `e`, an event of a run, and `r`, the run: its type and data in the log. The last event of a run
-- that has ended is its completion, whatever the transition was called.
        CROSS JOIN LATERAL (
            SELECT CASE
                    WHEN r.status = 'completed' AND e.seq = r.event_seq THEN :'completed'
                    WHEN e.event = ANY (:'requeues'::text[]) THEN :'requeued'
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
                'reason', CASE WHEN y.event_type = :'requeued' THEN e.event END,
                'error_code', e.detail->'code',
                'outcome', CASE WHEN y.event_type = :'completed' THEN r.outcome END,
                'counts', CASE WHEN y.event_type = :'completed' THEN r.counts END
            )) AS data
        ) x
