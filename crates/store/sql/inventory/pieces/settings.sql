settings AS (
    INSERT INTO inventory_settings
        (item_id, place, tenant_id, policy_type, setting_id, field, value)
    SELECT t.item_id, t.place, :tenant, t.policy_type, t.setting_id, t.field, t.value
    FROM set_now t
    ON CONFLICT (item_id, place) DO NOTHING
),
-- Syncs of other tenants add the same ones: all add them in the order of their ids.
definitions AS (
    INSERT INTO setting_definitions (id, in_catalog, name)
    SELECT t.id, t.in_catalog, t.name
    FROM guard
        CROSS JOIN unnest(
            :definition_ids::text[], :definitions_in_catalog::boolean[], :definition_names::text[]
        ) AS t(id, in_catalog, name)
    WHERE NOT EXISTS (SELECT 1 FROM setting_definitions d WHERE d.id = t.id)
    ORDER BY t.id
    ON CONFLICT (id) DO NOTHING
),
