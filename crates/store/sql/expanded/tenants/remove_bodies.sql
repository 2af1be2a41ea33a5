-- Written by `cargo xtask schema` from tenants/remove_bodies.sql.
-- $1 tenant: uuid
-- $2 batch: int8
-- tenants.remove_bodies
--
-- Removes a batch of the bodies of a tenant's past versions, which are removed before.
DELETE FROM inventory_bodies d
WHERE d.tenant_id = $1 AND d.ctid = ANY (ARRAY(
    SELECT c.ctid FROM inventory_bodies c WHERE c.tenant_id = $1 LIMIT $2
))
