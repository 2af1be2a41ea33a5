-- Written by `cargo xtask schema` from tenants/remove_events.sql.
-- $1 tenant: uuid
-- $2 batch: int8
-- tenants.remove_events
--
-- Removes a batch of a tenant's events from the log. Positions that are free then stay free.
DELETE FROM events d
WHERE d.position = ANY (ARRAY(
    SELECT e.position FROM events e WHERE e.tenant_id = $1 LIMIT $2
))
