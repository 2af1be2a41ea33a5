-- Results from before the column. A transaction of its own: nobody waits for it but for rows of runs that
-- are under way.
UPDATE inventory_type_results x
SET tenant_id = r.tenant_id
FROM inventory_sync_runs r
WHERE r.run_id = x.run_id AND x.tenant_id IS NULL;
