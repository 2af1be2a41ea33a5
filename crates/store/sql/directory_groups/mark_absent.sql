-- directory_groups.mark_absent
--
-- Marks groups that a run with an older fence saw last, up to a number, as gone. Returns how many,
-- and with them what the run did so far.
WITH
\ir inventory/pieces/guard.sql
absent AS (
    SELECT g.id
    FROM directory_groups g, guard
    WHERE g.tenant_id = :tenant AND g.removed_at IS NULL AND g.fence < :fence
    LIMIT :most
),
went AS (
    UPDATE directory_groups g
    SET removed_at = clock_timestamp(), fence = :fence
    FROM absent a
    WHERE g.tenant_id = :tenant AND g.id = a.id
    RETURNING 1
),
counted AS (
    SELECT 0::bigint AS seen, 0::bigint AS created, 0::bigint AS changed, 0::bigint AS back,
        count(*) AS removed, 0::bigint AS nameless
    FROM went
),
\ir directory_groups/pieces/tallied.sql
