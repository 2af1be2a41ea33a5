-- Adds what is counted to what the run did before. A caller that repeats a statement whose answer
-- was lost changes nothing the second time, and so counts nothing twice.
tallied AS (
    INSERT INTO directory_group_tallies AS y (run_id, created, changed, back, removed)
    SELECT :run, c.created, c.changed, c.back, c.removed
    FROM guard, counted c
    ON CONFLICT (run_id) DO UPDATE
    SET created = y.created + EXCLUDED.created,
        changed = y.changed + EXCLUDED.changed,
        back = y.back + EXCLUDED.back,
        removed = y.removed + EXCLUDED.removed
    RETURNING y.created, y.changed, y.back, y.removed
)
SELECT EXISTS (SELECT 1 FROM guard) AS held, c.seen, c.nameless, c.removed AS marked,
    coalesce(y.created, 0) AS created, coalesce(y.changed, 0) AS changed,
    coalesce(y.back, 0) AS back, coalesce(y.removed, 0) AS removed
FROM counted c
    LEFT JOIN tallied y ON true
