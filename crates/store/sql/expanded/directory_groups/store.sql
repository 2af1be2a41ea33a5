-- Written by `cargo xtask schema` from directory_groups/store.sql.
-- $1 tenant: uuid
-- $2 scope: text
-- $3 fence: int8
-- $4 token: uuid
-- $5 run: uuid
-- $6 ids: _uuid
-- $7 patches: _jsonb
-- $8 gone: _bool
-- returns held: bool
-- returns seen: int8
-- returns nameless: int8
-- returns marked: int8
-- returns created: int8
-- returns changed: int8
-- returns back: int8
-- returns removed: int8
-- directory_groups.store
--
-- Stores what a page reports of groups, as merge patches. An id occurs once. A group without a name
-- is not known and not stored: the page reports only what changed of it. Returns what was done with
-- the page, and with it what the run did so far.
WITH
-- Holds while the caller's fence is that of the tenant. FOR SHARE makes the check and the write
-- one: whoever takes the run over updates this row, and so waits for our commit or comes first.
guard AS (
    SELECT 1 AS held
    FROM tenant_fences f
    WHERE f.tenant_id = $1 AND f.scope = $2 AND f.fence = $3 AND f.token = $4
    FOR SHARE
),
reported AS (
    SELECT u.id, u.patch, u.gone
    FROM guard
        CROSS JOIN unnest($6::uuid[], $7::jsonb[], $8::boolean[]) AS u(id, patch, gone)
),
known AS (
    SELECT t.id, t.gone, g.detail AS before, g.removed_at, g.fence,
        jsonb_strip_nulls(coalesce(g.detail, '{}') || t.patch) AS detail
    FROM reported t
        LEFT JOIN directory_groups g ON g.tenant_id = $1 AND g.id = t.id
),
went AS (
    UPDATE directory_groups g
    SET removed_at = clock_timestamp(), fence = $3
    FROM known k
    WHERE g.tenant_id = $1 AND g.id = k.id AND k.gone AND g.removed_at IS NULL
    RETURNING 1
),
put AS (
    INSERT INTO directory_groups AS g (tenant_id, id, detail, fence)
    SELECT $1, k.id, k.detail, $3
    FROM known k
    WHERE NOT k.gone AND k.detail->>'name' IS NOT NULL
    ORDER BY k.id
    ON CONFLICT (tenant_id, id) DO UPDATE
    SET detail = EXCLUDED.detail,
        fence = EXCLUDED.fence,
        removed_at = NULL,
        changed_at = CASE
            WHEN g.detail = EXCLUDED.detail AND g.removed_at IS NULL THEN g.changed_at
            ELSE clock_timestamp()
        END
),
counted AS (
    SELECT
        count(*) FILTER (
            WHERE NOT k.gone AND k.detail->>'name' IS NOT NULL AND k.fence IS DISTINCT FROM $3
        ) AS seen,
        count(*) FILTER (
            WHERE NOT k.gone AND k.before IS NULL AND k.detail->>'name' IS NOT NULL
        ) AS created,
        count(*) FILTER (WHERE NOT k.gone AND k.before <> k.detail) AS changed,
        count(*) FILTER (WHERE NOT k.gone AND k.removed_at IS NOT NULL) AS back,
        (SELECT count(*) FROM went) AS removed,
        count(*) FILTER (WHERE NOT k.gone AND k.detail->>'name' IS NULL) AS nameless
    FROM known k
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
