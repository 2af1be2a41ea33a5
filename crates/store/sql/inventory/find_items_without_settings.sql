-- inventory.find_items_without_settings
--
-- Items of the tenant whose values were stored before there were settings of them, with what they say. One
-- that is gone says nothing.
SELECT w.item_id, i.policy_type, i.external_id, c.value_fields
FROM inventory_items_without_settings w
    LEFT JOIN inventory_items i ON i.id = w.item_id
    LEFT JOIN inventory_contents c ON c.item_id = w.item_id
WHERE w.tenant_id = :tenant
ORDER BY w.item_id
LIMIT :'batch'
