-- inventory.left_out
--
-- Records what lists of these policy types hold that is no item, and, when these are all there are,
-- deletes the others. What stands already is not written again: it is the same in nearly every
-- sync.
WITH
\ir inventory/pieces/guard.sql
reported AS (
    SELECT *
    FROM unnest(:types_of_ids::text[], :external_ids::text[]) AS t(policy_type, external_id)
),
gone AS (
    DELETE FROM inventory_left_out o
    USING guard
    WHERE o.tenant_id = :tenant AND o.policy_type = ANY (:policy_types) AND :whole
        AND NOT EXISTS (
            SELECT 1
            FROM reported t
            WHERE t.policy_type = o.policy_type AND t.external_id = o.external_id
        )
),
new AS (
    INSERT INTO inventory_left_out (tenant_id, policy_type, external_id)
    SELECT DISTINCT :tenant::uuid, t.policy_type, t.external_id
    FROM reported t, guard
    ORDER BY t.policy_type, t.external_id
    ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT 1 FROM guard) AS held
