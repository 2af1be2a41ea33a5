-- inventory.unknown_settings
--
-- Settings of the catalog that items of the tenant set, whose definitions are not known and were not
-- asked for lately.
SELECT d.id
FROM setting_definitions d
WHERE d.in_catalog AND d.name IS NULL
    AND (d.asked_at IS NULL OR d.asked_at < statement_timestamp() - :'asked_again'::interval)
    AND EXISTS (
        SELECT 1
        FROM inventory_settings s
        WHERE s.tenant_id = :tenant AND s.setting_id = d.id
        OFFSET 0
    )
ORDER BY d.id
LIMIT :limit
