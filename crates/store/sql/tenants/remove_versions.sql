-- tenants.remove_versions
--
-- Removes a batch of the past versions of a tenant's items.
DELETE FROM inventory_versions d
WHERE d.tenant_id = :tenant AND d.ctid = ANY (ARRAY(
    SELECT c.ctid FROM inventory_versions c WHERE c.tenant_id = :tenant LIMIT :batch
))
