-- Written by `cargo xtask schema` from tenants/set_enabled.sql.
-- $1 tenant: uuid
-- $2 enabled: bool
-- tenants.set_enabled
--
-- Enables or disables a tenant that is not so already.
UPDATE tenants SET enabled = $2, updated_at = clock_timestamp()
WHERE id = $1 AND enabled <> $2
