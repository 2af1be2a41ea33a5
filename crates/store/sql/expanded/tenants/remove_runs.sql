-- Written by `cargo xtask schema` from tenants/remove_runs.sql.
-- $1 tenant: uuid
-- $2 batch: int8
-- tenants.remove_runs
--
-- Removes a batch of a tenant's runs. Events, results, sync runs, tallies and notifications go by
-- their foreign keys.
DELETE FROM operation_runs d
WHERE d.id = ANY (ARRAY(
    SELECT r.id FROM operation_runs r WHERE r.tenant_id = $1 LIMIT $2
))
