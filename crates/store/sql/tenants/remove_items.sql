-- tenants.remove_items
--
-- Removes a batch of a tenant's inventory items. Contents and links go by their foreign keys,
-- settings by a trigger.
DELETE FROM inventory_items d
WHERE d.id = ANY (ARRAY(
    SELECT i.id FROM inventory_items i WHERE i.tenant_id = :tenant LIMIT :batch
))
