-- tenants.exists
--
-- Whether there is such a tenant.
SELECT EXISTS (SELECT 1 FROM tenants t WHERE t.id = :tenant) AS found
