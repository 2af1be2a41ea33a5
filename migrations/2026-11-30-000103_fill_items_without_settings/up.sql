INSERT INTO inventory_items_without_settings (tenant_id, item_id)
SELECT i.tenant_id, i.id
FROM inventory_items i
WHERE i.values_hash IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM inventory_settings s WHERE s.item_id = i.id);
