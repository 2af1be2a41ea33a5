-- Written by `cargo xtask schema` from tenants/remove_audit_events.sql.
-- $1 tenant: uuid
-- $2 batch: int8
-- tenants.remove_audit_events
--
-- Removes a batch of a tenant's entries of the audit log, in a transaction that says that it deletes
-- (migration 5).
DELETE FROM audit_events d
WHERE d.id = ANY (ARRAY(
    SELECT a.id FROM audit_events a WHERE a.tenant_id = $1 LIMIT $2
))
