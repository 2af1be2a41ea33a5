-- Written by `cargo xtask schema` from tenants/remove_items.sql.
-- $1 tenant: uuid
-- $2 batch: int8
-- tenants.remove_items
--
-- Removes a batch of a tenant's inventory items. Contents and links go by their foreign keys,
-- settings by a trigger.
DELETE FROM inventory_items d
WHERE d.id = ANY (ARRAY(
    SELECT i.id FROM inventory_items i WHERE i.tenant_id = $1 LIMIT $2
))
