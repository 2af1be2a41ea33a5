-- tenants.set_enabled
--
-- Enables or disables a tenant that is not so already.
UPDATE tenants SET enabled = :enabled, updated_at = clock_timestamp()
WHERE id = :tenant AND enabled <> :enabled
