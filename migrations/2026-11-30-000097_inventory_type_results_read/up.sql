-- The last reading of a policy type before a time, of each status.
CREATE INDEX CONCURRENTLY IF NOT EXISTS inventory_type_results_read
    ON inventory_type_results (tenant_id, policy_type, status, completed_at, run_id)
