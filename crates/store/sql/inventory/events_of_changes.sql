-- inventory.events_of_changes
--
-- For each change of the last day that has no actor, or of whose item this run read another event:
-- the events of the item from between the two readings. An event belongs to the first change whose
-- readings it lies between: what explains an earlier change does not explain a later one, unless that
-- is of values or assignments that the earlier reading did not bring. What happened before an item was
-- gone does not explain how it came back. A short id, such as a number, may be that of objects of
-- several types: then nobody is named.
WITH pending AS MATERIALIZED (
    SELECT c.id, c.occurred_at, c.item_id, c.seen_before, c.attributed, i.external_id
    FROM (
            SELECT *
            FROM inventory_changes x
            WHERE x.tenant_id = :tenant AND x.seen_before IS NOT NULL
                AND x.occurred_at > statement_timestamp() - :'looked_again'::interval
            ORDER BY x.occurred_at DESC
            LIMIT :'most_changes'
        ) c
        CROSS JOIN LATERAL (
            SELECT k.external_id
            FROM inventory_items k
            WHERE k.id = c.item_id
            OFFSET 0
        ) i
)
SELECT p.occurred_at, p.id, e.occurred_at AS at, e.activity, e.actor_kind, e.actor_id, e.actor_name
FROM pending p
    CROSS JOIN LATERAL (
        SELECT *
        FROM activity_events x
        WHERE x.tenant_id = :tenant AND x.object_id = p.external_id
            AND x.occurred_at > p.seen_before AND x.occurred_at <= p.occurred_at
        OFFSET 0
    ) e
WHERE (
        p.attributed IS NULL
        OR EXISTS (
            SELECT 1
            FROM activity_events n
            WHERE n.tenant_id = :tenant AND n.object_id = p.external_id
                AND n.occurred_at > p.seen_before AND n.occurred_at <= p.occurred_at
                AND n.run_id = :run
        )
    )
    AND (
        length(p.external_id) >= :'distinctive'
        OR 1 = (
            SELECT count(*)
            FROM inventory_items k
            WHERE k.tenant_id = :tenant AND k.external_id = p.external_id
        )
    )
    AND NOT EXISTS (
        SELECT 1
        FROM inventory_changes d
        WHERE d.tenant_id = :tenant AND d.item_id = p.item_id
            AND d.occurred_at < p.occurred_at AND d.occurred_at >= e.occurred_at
            AND d.seen_before < e.occurred_at
            AND (d.kind = 'gone' OR coalesce(d.read_from, d.occurred_at) <= p.seen_before)
    )
ORDER BY p.occurred_at, p.id
