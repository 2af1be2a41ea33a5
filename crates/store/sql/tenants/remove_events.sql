-- tenants.remove_events
--
-- Removes a batch of a tenant's events from the log. Positions that are free then stay free.
DELETE FROM events d
WHERE d.position = ANY (ARRAY(
    SELECT e.position FROM events e WHERE e.tenant_id = :tenant LIMIT :batch
))
