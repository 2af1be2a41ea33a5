-- tenants.remove_runs
--
-- Removes a batch of a tenant's runs. Events, results, sync runs, tallies and notifications go by
-- their foreign keys.
DELETE FROM operation_runs d
WHERE d.id = ANY (ARRAY(
    SELECT r.id FROM operation_runs r WHERE r.tenant_id = :tenant LIMIT :batch
))
