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
    SELECT DISTINCT ON (t.setting_id) t.setting_id, t.in_catalog, t.name
    FROM set_now t
    WHERE NOT EXISTS (SELECT 1 FROM setting_definitions d WHERE d.id = t.setting_id)
    ORDER BY t.setting_id
    ON CONFLICT (id) DO NOTHING
),
