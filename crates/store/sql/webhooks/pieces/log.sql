-- The position after which the log is kept, and its last one.
log AS MATERIALIZED (
    SELECT
        (
            SELECT n.last_position FROM event_numberings n ORDER BY n.last_position LIMIT 1
        ) AS kept_after,
        (
            SELECT n.last_position FROM event_numberings n ORDER BY n.last_position DESC LIMIT 1
        ) AS last_position
),
