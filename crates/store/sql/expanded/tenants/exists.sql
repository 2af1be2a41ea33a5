-- Written by `cargo xtask schema` from tenants/exists.sql.
-- $1 tenant: uuid
-- returns found: bool
-- tenants.exists
--
-- Whether there is such a tenant.
SELECT EXISTS (SELECT 1 FROM tenants t WHERE t.id = $1) AS found
