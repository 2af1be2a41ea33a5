-- Written by `cargo xtask schema` from tenants/remove_left_out.sql.
-- $1 tenant: uuid
-- $2 batch: int8
-- tenants.remove_left_out
--
-- Removes a batch of a tenant's objects that were left out.
DELETE FROM inventory_left_out d
WHERE d.tenant_id = $1 AND d.ctid = ANY (ARRAY(
    SELECT c.ctid FROM inventory_left_out c WHERE c.tenant_id = $1 LIMIT $2
))
