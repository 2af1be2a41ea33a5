-- inventory.store_earlier_settings
--
-- Writes the settings of items whose values were stored before there were any, as
-- inventory.store_differing does. Whoever holds the fence reads and writes them one after the other, so
-- that the values are still those that were read. An item is locked, so that it is not deleted
-- meanwhile.
WITH
\ir inventory/pieces/guard.sql
set_now AS (
    SELECT i.id AS item_id, i.policy_type, t.place, t.setting_id, t.field,
        v.value
    FROM guard
        CROSS JOIN unnest(
            :setting_items::bigint[], :setting_places::uuid[], :setting_ids::text[],
            :setting_fields::text[]
        ) AS t(at, place, setting_id, field)
        JOIN inventory_items i ON i.id = (:items::uuid[])[t.at]
        JOIN inventory_contents c ON c.item_id = i.id
        CROSS JOIN LATERAL (SELECT c.value_fields -> t.field AS value OFFSET 0) v
    WHERE v.value IS NOT NULL
    FOR KEY SHARE OF i
),
\ir inventory/pieces/settings.sql
done AS (
    DELETE FROM inventory_items_without_settings w
    USING guard
    WHERE w.tenant_id = :tenant AND w.item_id = ANY (:items)
)
SELECT EXISTS (SELECT 1 FROM guard) AS held
