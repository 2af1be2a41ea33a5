-- tenants.remove_changes
--
-- Removes a batch of a tenant's recorded changes.
DELETE FROM inventory_changes d
WHERE d.tenant_id = :tenant AND d.ctid = ANY (ARRAY(
    SELECT c.ctid FROM inventory_changes c WHERE c.tenant_id = :tenant LIMIT :batch
))
