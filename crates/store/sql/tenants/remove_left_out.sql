-- tenants.remove_left_out
--
-- Removes a batch of a tenant's objects that were left out.
DELETE FROM inventory_left_out d
WHERE d.tenant_id = :tenant AND d.ctid = ANY (ARRAY(
    SELECT c.ctid FROM inventory_left_out c WHERE c.tenant_id = :tenant LIMIT :batch
))
