-- Written by `cargo xtask schema` from directory_groups/mark_absent.sql.
-- $1 tenant: uuid
-- $2 scope: text
-- $3 fence: int8
-- $4 token: uuid
-- $5 run: uuid
-- $6 most: int8
-- returns held: bool
-- returns seen: int8
-- returns nameless: int8
-- returns marked: int8
-- returns created: int8
-- returns changed: int8
-- returns back: int8
-- returns removed: int8
-- directory_groups.mark_absent
--
-- Marks groups that a run with an older fence saw last, up to a number, as gone. Returns how many,
-- and with them what the run did so far.
WITH
-- Holds while the caller's fence is that of the tenant. FOR SHARE makes the check and the write
-- one: whoever takes the run over updates this row, and so waits for our commit or comes first.
guard AS (
    SELECT 1 AS held
    FROM tenant_fences f
    WHERE f.tenant_id = $1 AND f.scope = $2 AND f.fence = $3 AND f.token = $4
    FOR SHARE
),
absent AS (
    SELECT g.id
    FROM directory_groups g, guard
    WHERE g.tenant_id = $1 AND g.removed_at IS NULL AND g.fence < $3
    LIMIT $6
),
went AS (
    UPDATE directory_groups g
    SET removed_at = clock_timestamp(), fence = $3
    FROM absent a
    WHERE g.tenant_id = $1 AND g.id = a.id
    RETURNING 1
),
counted AS (
    SELECT 0::bigint AS seen, 0::bigint AS created, 0::bigint AS changed, 0::bigint AS back,
        count(*) AS removed, 0::bigint AS nameless
    FROM went
),
-- Adds what is counted to what the run did before. A caller that repeats a statement whose answer
-- was lost changes nothing the second time, and so counts nothing twice.
tallied AS (
    INSERT INTO directory_group_tallies AS y (run_id, created, changed, back, removed)
    SELECT $5, c.created, c.changed, c.back, c.removed
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
