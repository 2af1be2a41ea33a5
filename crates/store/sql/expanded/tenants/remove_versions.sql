-- Written by `cargo xtask schema` from tenants/remove_versions.sql.
-- $1 tenant: uuid
-- $2 batch: int8
-- tenants.remove_versions
--
-- Removes a batch of the past versions of a tenant's items.
DELETE FROM inventory_versions d
WHERE d.tenant_id = $1 AND d.ctid = ANY (ARRAY(
    SELECT c.ctid FROM inventory_versions c WHERE c.tenant_id = $1 LIMIT $2
))
