-- Written by `cargo xtask schema` from system/prune_events.sql.
-- $1 age_ms: int8
-- $2 batch: int8
-- returns count: int8
-- system.prune_events
--
-- Deletes a batch of the oldest events of the log, of numberings that are old enough, and the numberings
-- that are empty then. It runs under the lock of `events.lock`. A numbering of which a part is left is
-- split, so that the first row always says after which position everything is kept. The newest one stays:
-- whoever has read up to the end can go on from there. Returns how many rows were deleted.
WITH oldest AS (
    SELECT n.last_position, n.numbered_at
    FROM event_numberings n
    WHERE n.last_position < (SELECT max(m.last_position) FROM event_numberings m)
    ORDER BY n.last_position
    LIMIT $2
),
due AS (
    SELECT max(o.last_position) AS position
    FROM oldest o
    WHERE o.numbered_at < statement_timestamp() - $1::bigint * interval '1 millisecond'
),
old AS MATERIALIZED (
    SELECT e.position
    FROM events e
    WHERE e.position <= (SELECT d.position FROM due d)
    ORDER BY e.position
    LIMIT $2
),
cut AS MATERIALIZED (
    SELECT CASE
            WHEN (SELECT count(*) FROM old) < $2 THEN (SELECT d.position FROM due d)
            ELSE (SELECT max(o.position) FROM old o)
        END AS position
),
deleted AS (
    DELETE FROM events e WHERE e.position = ANY (ARRAY(SELECT o.position FROM old o))
),
split AS (
    INSERT INTO event_numberings (last_position, mark, numbered_at)
    SELECT c.position, n.mark, n.numbered_at
    FROM cut c
        CROSS JOIN LATERAL (
            SELECT b.*
            FROM event_numberings b
            WHERE b.last_position >= c.position
            ORDER BY b.last_position
            LIMIT 1
        ) n
    ON CONFLICT (last_position) DO NOTHING
),
emptied AS (
    DELETE FROM event_numberings n
    USING cut c
    WHERE n.last_position < c.position
    RETURNING 1
)
SELECT greatest((SELECT count(*) FROM old), (SELECT count(*) FROM emptied)) AS count
