-- Written by `cargo xtask schema` from tenants/remove_fences.sql.
-- $1 tenant: uuid
-- tenants.remove_fences
--
-- Removes the fences of a tenant that is being removed: whatever a worker still writes is refused.
-- Waits for writes that are under way.
DELETE FROM tenant_fences WHERE tenant_id = $1
