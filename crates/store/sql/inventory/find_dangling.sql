-- inventory.find_dangling
--
-- Judges all links of a tenant by what is there now. `holds` lists target kinds with the policy
-- types under which each is held, pair by pair. A kind is judged once every one of its types was
-- read to its end: until then, what is not there may only not have been read; and while none of
-- them is in doubt, so that its objects may be there without being stored. What Microsoft supplies
-- is there without being an item: a link may say so itself, or its target was left out of a list
-- that was read. Ids of items are in an index of the default collation.
-- An item is looked for under all types of the kind in one condition: where the types come from a
-- join, the planner looks the id up alone, which reads every type in the index for each link.
WITH
\ir inventory/pieces/guard.sql
holds AS (
    SELECT *
    FROM unnest(:target_kinds::text[], :policy_types::text[]) AS h(target_kind, policy_type)
),
kinds AS (
    SELECT h.target_kind, array_agg(h.policy_type) AS policy_types
    FROM holds h
    GROUP BY h.target_kind
),
judged AS (
    SELECT h.target_kind, array_agg(h.policy_type) AS policy_types
    FROM holds h
        LEFT JOIN inventory_type_summaries s
            ON s.tenant_id = :tenant AND s.policy_type = h.policy_type
    GROUP BY h.target_kind
    HAVING bool_and(s.data_as_of IS NOT NULL AND h.policy_type <> ALL (:in_doubt))
),
lost AS (
    UPDATE inventory_links l
    SET dangling = true
    FROM judged j, guard
    WHERE l.tenant_id = :tenant AND l.target_kind = j.target_kind AND NOT l.dangling
        AND NOT l.qualifier ? 'built_in'
        AND NOT EXISTS (
            SELECT 1
            FROM inventory_items i
            WHERE i.tenant_id = :tenant AND i.policy_type = ANY (j.policy_types)
                AND i.external_id = l.target_id COLLATE "default" AND i.missing_since IS NULL
        )
        AND NOT EXISTS (
            SELECT 1
            FROM holds h
                JOIN inventory_left_out o
                    ON o.tenant_id = :tenant AND o.policy_type = h.policy_type
            WHERE h.target_kind = l.target_kind AND o.external_id = l.target_id
        )
),
supplied AS (
    UPDATE inventory_links l
    SET dangling = false
    FROM holds h, inventory_left_out o, guard
    WHERE l.tenant_id = :tenant AND l.dangling AND h.target_kind = l.target_kind
        AND o.tenant_id = :tenant AND o.policy_type = h.policy_type
        AND o.external_id = l.target_id
),
found AS (
    UPDATE inventory_links l
    SET dangling = false
    FROM kinds k, inventory_items i, guard
    WHERE l.tenant_id = :tenant AND l.dangling AND k.target_kind = l.target_kind
        AND i.tenant_id = :tenant AND i.policy_type = ANY (k.policy_types)
        AND i.external_id = l.target_id COLLATE "default" AND i.missing_since IS NULL
)
SELECT EXISTS (SELECT 1 FROM guard) AS held
