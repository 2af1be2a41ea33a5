CREATE INDEX CONCURRENTLY IF NOT EXISTS operation_runs_tenant
    ON operation_runs (tenant_id, created_at DESC, id DESC)
