-- Written by `cargo xtask schema` from tenants/remove.sql.
-- $1 tenant: uuid
-- tenants.remove
--
-- Removes a disabled tenant of which no run is left. Members, credentials and what else is small go
-- by their foreign keys.
DELETE FROM tenants d
WHERE d.id = $1 AND NOT d.enabled
    AND NOT EXISTS (SELECT 1 FROM operation_runs r WHERE r.tenant_id = d.id)
