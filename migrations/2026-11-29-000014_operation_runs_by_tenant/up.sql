-- As operation_runs_tenant, which it replaces, with what lists filter by.
CREATE INDEX CONCURRENTLY IF NOT EXISTS operation_runs_by_tenant
    ON operation_runs (tenant_id, created_at, id) INCLUDE (kind, status, outcome, initiator_id)
