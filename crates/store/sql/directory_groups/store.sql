-- directory_groups.store
--
-- Stores what a page reports of groups, as merge patches. An id occurs once. A group without a name
-- is not known and not stored: the page reports only what changed of it. Returns what was done with
-- the page, and with it what the run did so far.
WITH
\ir inventory/pieces/guard.sql
reported AS (
    SELECT u.id, u.patch, u.gone
    FROM guard
        CROSS JOIN unnest(:ids::uuid[], :patches::jsonb[], :gone::boolean[]) AS u(id, patch, gone)
),
known AS (
    SELECT t.id, t.gone, g.detail AS before, g.removed_at, g.fence,
        jsonb_strip_nulls(coalesce(g.detail, '{}') || t.patch) AS detail
    FROM reported t
        LEFT JOIN directory_groups g ON g.tenant_id = :tenant AND g.id = t.id
),
went AS (
    UPDATE directory_groups g
    SET removed_at = clock_timestamp(), fence = :fence
    FROM known k
    WHERE g.tenant_id = :tenant AND g.id = k.id AND k.gone AND g.removed_at IS NULL
    RETURNING 1
),
put AS (
    INSERT INTO directory_groups AS g (tenant_id, id, detail, fence)
    SELECT :tenant, k.id, k.detail, :fence
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
            WHERE NOT k.gone AND k.detail->>'name' IS NOT NULL AND k.fence IS DISTINCT FROM :fence
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
\ir directory_groups/pieces/tallied.sql
