-- Written by `cargo xtask schema` from tenants/remove_changes.sql.
-- $1 tenant: uuid
-- $2 batch: int8
-- tenants.remove_changes
--
-- Removes a batch of a tenant's recorded changes.
DELETE FROM inventory_changes d
WHERE d.tenant_id = $1 AND d.ctid = ANY (ARRAY(
    SELECT c.ctid FROM inventory_changes c WHERE c.tenant_id = $1 LIMIT $2
))
