-- Written by `cargo xtask schema` from inventory/left_out.sql.
-- $1 tenant: uuid
-- $2 scope: text
-- $3 fence: int8
-- $4 token: uuid
-- $5 policy_types: _text
-- $6 types_of_ids: _text
-- $7 external_ids: _text
-- $8 whole: bool
-- returns held: bool
-- inventory.left_out
--
-- Records what lists of these policy types hold that is no item, and, when these are all there are,
-- deletes the others. What stands already is not written again: it is the same in nearly every
-- sync.
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
    SELECT *
    FROM unnest($6::text[], $7::text[]) AS t(policy_type, external_id)
),
gone AS (
    DELETE FROM inventory_left_out o
    USING guard
    WHERE o.tenant_id = $1 AND o.policy_type = ANY ($5) AND $8
        AND NOT EXISTS (
            SELECT 1
            FROM reported t
            WHERE t.policy_type = o.policy_type AND t.external_id = o.external_id
        )
),
new AS (
    INSERT INTO inventory_left_out (tenant_id, policy_type, external_id)
    SELECT DISTINCT $1::uuid, t.policy_type, t.external_id
    FROM reported t, guard
    ORDER BY t.policy_type, t.external_id
    ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT 1 FROM guard) AS held
