-- Written by `cargo xtask schema` from events/number.sql.
-- $1 mark: int8
-- returns count: int8
-- events.number
--
-- Gives positions to what was committed and has none: events of the runs that have waited longest, and
-- pending events. It runs under the lock of `events.lock` and begins after it was granted, so that it
-- sees the numbering before and nothing is numbered twice. Positions are committed in their order, so
-- that whoever has read up to one has read all before it.
--
-- Of a run all that waits is numbered, in the order of its sequence, whatever its times say. The end of a
-- run brings an event for each policy type with changes, and first and last events one for their
-- notification: rows that the same transaction or an earlier one wrote, and none changes after the end.
--
-- The limit is a constant, so that the planner expects few rows, and rows are found by their runs and not
-- by the index of those without a position, which is long after a time in which nobody read: hence
-- `coalesce`. The rows are found again where they were. Returns how many were numbered.
WITH head AS (
    SELECT n.last_position FROM event_numberings n ORDER BY n.last_position DESC LIMIT 1
),
runs AS MATERIALIZED (
    SELECT DISTINCT u.run_id
    FROM (
        SELECT e.run_id
        FROM operation_run_events e
        WHERE e.position IS NULL
        ORDER BY e.at
        LIMIT '250'
    ) u
),
transitions AS MATERIALIZED (
    SELECT e.place, e.run_id, e.seq, e.at, r.tenant_id, r.initiator_id, r.kind, x.event_type, x.data,
        max(e.at) OVER (PARTITION BY e.run_id ORDER BY e.seq) AS placed_at,
        CASE WHEN x.event_type = 'operation_run.completed' THEN 'terminal' WHEN e.seq = 1 THEN 'queued' END AS phase
    FROM runs u
        CROSS JOIN LATERAL (
            SELECT e.*, e.ctid AS place
            FROM operation_run_events e
            WHERE e.run_id = u.run_id AND coalesce(e.position, -1) < 0
            OFFSET 0
        ) e
        CROSS JOIN LATERAL (
            SELECT r.* FROM operation_runs r WHERE r.id = e.run_id OFFSET 0
        ) r
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
),
pending AS MATERIALIZED (
    SELECT p.* FROM pending_events p ORDER BY p.occurred_at, p.id LIMIT '250'
),
entries AS (
    SELECT t.place, t.placed_at, t.run_id, t.seq, 1 AS part, event_id(t.at, t.run_id || ' ' || t.seq) AS id,
        t.event_type, t.at AS occurred_at, t.tenant_id, t.initiator_id AS user_id, false AS personal, t.data
    FROM transitions t
    UNION ALL
    SELECT NULL, t.placed_at, t.run_id, t.seq, 0, event_id(t.at, t.run_id || ' ' || x.policy_type),
        'inventory.changed', t.at, t.tenant_id, t.initiator_id, false,
        jsonb_build_object('kind', t.kind, 'policy_type', x.policy_type, 'created', x.created,
            'changed', x.changed, 'reassigned', x.reassigned, 'missing', x.missing, 'back', x.back)
    FROM transitions t
        CROSS JOIN LATERAL (
            SELECT x.*
            FROM inventory_type_results x
            WHERE x.run_id = t.run_id
                AND x.created + x.changed + x.reassigned + x.missing + x.back > 0
            OFFSET 0
        ) x
    WHERE t.event_type = 'operation_run.completed'
    UNION ALL
    SELECT NULL, t.placed_at, t.run_id, t.seq, 2, event_id(n.created_at, 'notification ' || n.id),
        'notification.created', n.created_at, n.tenant_id, n.user_id, true,
        jsonb_build_object('kind', t.kind, 'notification_id', n.id, 'phase', n.phase)
    FROM transitions t
        CROSS JOIN LATERAL (
            SELECT n.*
            FROM notifications n
            WHERE n.run_id = t.run_id AND n.phase = t.phase
            OFFSET 0
        ) n
    UNION ALL
    SELECT NULL, p.occurred_at, NULL, NULL, 3, p.id, p.event_type, p.occurred_at, p.tenant_id, p.user_id,
        p.personal, p.data
    FROM pending p
),
placed AS MATERIALIZED (
    SELECT h.last_position
            + row_number() OVER (ORDER BY e.placed_at, e.run_id, e.seq, e.part, e.id) AS position,
        e.*
    FROM entries e CROSS JOIN head h
),
numbered AS (
    UPDATE operation_run_events e
    SET position = p.position
    FROM placed p
    WHERE e.ctid = p.place AND e.run_id = p.run_id AND e.seq = p.seq
),
taken AS (
    DELETE FROM pending_events d USING pending p WHERE d.id = p.id
),
stored AS (
    INSERT INTO events
        (position, mark, id, event_type, occurred_at, tenant_id, run_id, user_id, personal, data)
    SELECT p.position, $1, p.id, p.event_type, p.occurred_at, p.tenant_id, p.run_id, p.user_id,
        p.personal, p.data
    FROM placed p
),
closed AS (
    INSERT INTO event_numberings (last_position, mark)
    SELECT max(p.position), $1 FROM placed p HAVING count(*) > 0
)
SELECT (SELECT count(*) FROM transitions) + (SELECT count(*) FROM pending) AS count
