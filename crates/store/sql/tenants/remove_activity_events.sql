-- tenants.remove_activity_events
--
-- Removes a batch of a tenant's events of Microsoft Graph's audit logs.
DELETE FROM activity_events d
WHERE d.tenant_id = :tenant AND d.ctid = ANY (ARRAY(
    SELECT e.ctid FROM activity_events e WHERE e.tenant_id = :tenant LIMIT :batch
))
