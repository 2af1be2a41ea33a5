-- Written by `cargo xtask schema` from inventory/store_earlier_settings.sql.
-- $1 tenant: uuid
-- $2 scope: text
-- $3 fence: int8
-- $4 token: uuid
-- $5 items: _uuid
-- $6 setting_items: _int8
-- $7 setting_places: _uuid
-- $8 setting_ids: _text
-- $9 setting_fields: _text
-- $10 definition_ids: _text
-- $11 definitions_in_catalog: _bool
-- $12 definition_names: _text
-- returns held: bool
-- inventory.store_earlier_settings
--
-- Writes the settings of items whose values were stored before there were any, as
-- inventory.store_differing does. Whoever holds the fence reads and writes them one after the other, so
-- that the values are still those that were read. An item is locked, so that it is not deleted
-- meanwhile.
WITH
-- Holds while the caller's fence is that of the tenant. FOR SHARE makes the check and the write
-- one: whoever takes the run over updates this row, and so waits for our commit or comes first.
guard AS (
    SELECT 1 AS held
    FROM tenant_fences f
    WHERE f.tenant_id = $1 AND f.scope = $2 AND f.fence = $3 AND f.token = $4
    FOR SHARE
),
set_now AS (
    SELECT i.id AS item_id, i.policy_type, t.place, t.setting_id, t.field,
        v.value
    FROM guard
        CROSS JOIN unnest(
            $6::bigint[], $7::uuid[], $8::text[],
            $9::text[]
        ) AS t(at, place, setting_id, field)
        JOIN inventory_items i ON i.id = ($5::uuid[])[t.at]
        JOIN inventory_contents c ON c.item_id = i.id
        CROSS JOIN LATERAL (SELECT c.value_fields -> t.field AS value OFFSET 0) v
    WHERE v.value IS NOT NULL
    FOR KEY SHARE OF i
),
settings AS (
    INSERT INTO inventory_settings
        (item_id, place, tenant_id, policy_type, setting_id, field, value)
    SELECT t.item_id, t.place, $1, t.policy_type, t.setting_id, t.field, t.value
    FROM set_now t
    ON CONFLICT (item_id, place) DO NOTHING
),
-- Syncs of other tenants add the same ones: all add them in the order of their ids.
definitions AS (
    INSERT INTO setting_definitions (id, in_catalog, name)
    SELECT t.id, t.in_catalog, t.name
    FROM guard
        CROSS JOIN unnest(
            $10::text[], $11::boolean[], $12::text[]
        ) AS t(id, in_catalog, name)
    WHERE NOT EXISTS (SELECT 1 FROM setting_definitions d WHERE d.id = t.id)
    ORDER BY t.id
    ON CONFLICT (id) DO NOTHING
),
done AS (
    DELETE FROM inventory_items_without_settings w
    USING guard
    WHERE w.tenant_id = $1 AND w.item_id = ANY ($5)
)
SELECT EXISTS (SELECT 1 FROM guard) AS held
