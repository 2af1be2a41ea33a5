-- inventory.mark_missing
--
-- Marks items of these policy types that a run with an older fence saw last, as many as there are
-- ids for changes. By fence and not by run: what an earlier attempt of the same run saw, and a
-- later one did not, is missing. The links of what is gone go with it; they are stored anew when it
-- comes back. Returns how many of each type, and a row without a type that counts the guards that
-- hold.
WITH
\ir inventory/pieces/guard.sql
gone AS (
    SELECT i.id
    FROM inventory_items i
    WHERE i.tenant_id = :tenant AND i.policy_type = ANY (:policy_types) AND i.fence < :fence
        AND i.missing_since IS NULL
    LIMIT cardinality(:change_ids::uuid[])
),
marked AS (
    UPDATE inventory_items i
    SET missing_since = clock_timestamp(),
        object_links = NULL,
        assignment_links = NULL,
        related_links = NULL
    FROM gone, guard
    WHERE i.id = gone.id AND i.fence < :fence AND i.missing_since IS NULL
    RETURNING i.id, i.policy_type, coalesce(i.read_from, i.last_seen_at) AS read_before
),
unlinked AS (
    DELETE FROM inventory_links l
    USING marked m
    WHERE l.item_id = m.id
),
changes AS (
    INSERT INTO inventory_changes
        (tenant_id, occurred_at, id, item_id, policy_type, kind, run_id, seen_before)
    SELECT :tenant, clock_timestamp(), (:change_ids::uuid[])[row_number() OVER ()], m.id,
        m.policy_type, 'gone', :run, m.read_before
    FROM marked m
),
counted AS (
    SELECT m.policy_type, count(*) AS marked
    FROM marked m
    GROUP BY m.policy_type
),
summaries AS (
    UPDATE inventory_type_summaries s
    SET present = s.present - c.marked,
        missing = s.missing + c.marked,
        last_run = :run
    FROM counted c
    WHERE s.tenant_id = :tenant AND s.policy_type = c.policy_type
),
results AS (
    UPDATE inventory_type_results x
    SET missing = x.missing + c.marked
    FROM counted c
    WHERE x.run_id = :run AND x.policy_type = c.policy_type
)
SELECT c.policy_type, c.marked FROM counted c
UNION ALL
SELECT NULL, count(*) FROM guard
