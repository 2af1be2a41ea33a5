-- tenants.remove_groups
--
-- Removes a batch of a tenant's directory groups.
DELETE FROM directory_groups d
WHERE d.tenant_id = :tenant AND d.ctid = ANY (ARRAY(
    SELECT c.ctid FROM directory_groups c WHERE c.tenant_id = :tenant LIMIT :batch
))
