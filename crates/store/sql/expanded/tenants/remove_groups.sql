-- Written by `cargo xtask schema` from tenants/remove_groups.sql.
-- $1 tenant: uuid
-- $2 batch: int8
-- tenants.remove_groups
--
-- Removes a batch of a tenant's directory groups.
DELETE FROM directory_groups d
WHERE d.tenant_id = $1 AND d.ctid = ANY (ARRAY(
    SELECT c.ctid FROM directory_groups c WHERE c.tenant_id = $1 LIMIT $2
))
