-- Written by `cargo xtask schema` from tenants/remove_activity_events.sql.
-- $1 tenant: uuid
-- $2 batch: int8
-- tenants.remove_activity_events
--
-- Removes a batch of a tenant's events of Microsoft Graph's audit logs.
DELETE FROM activity_events d
WHERE d.tenant_id = $1 AND d.ctid = ANY (ARRAY(
    SELECT e.ctid FROM activity_events e WHERE e.tenant_id = $1 LIMIT $2
))
