-- tenants.remove_bodies
--
-- Removes a batch of the bodies of a tenant's past versions, which are removed before.
DELETE FROM inventory_bodies d
WHERE d.tenant_id = :tenant AND d.ctid = ANY (ARRAY(
    SELECT c.ctid FROM inventory_bodies c WHERE c.tenant_id = :tenant LIMIT :batch
))
