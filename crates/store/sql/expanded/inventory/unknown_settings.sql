-- Written by `cargo xtask schema` from inventory/unknown_settings.sql.
-- $1 tenant: uuid
-- $2 limit: int8
-- returns id: text
-- inventory.unknown_settings
--
-- Settings of the catalog that items of the tenant set, whose definitions are not known and were not
-- asked for lately.
SELECT d.id
FROM setting_definitions d
WHERE d.in_catalog AND d.name IS NULL
    AND (d.asked_at IS NULL OR d.asked_at < statement_timestamp() - '7 days'::interval)
    AND EXISTS (
        SELECT 1
        FROM inventory_settings s
        WHERE s.tenant_id = $1 AND s.setting_id = d.id
        OFFSET 0
    )
ORDER BY d.id
LIMIT $2
