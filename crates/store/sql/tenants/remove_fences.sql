-- tenants.remove_fences
--
-- Removes the fences of a tenant that is being removed: whatever a worker still writes is refused.
-- Waits for writes that are under way.
DELETE FROM tenant_fences WHERE tenant_id = :tenant
