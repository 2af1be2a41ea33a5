-- As operation_runs_initiator, which it replaces, with what lists filter by.
CREATE INDEX CONCURRENTLY IF NOT EXISTS operation_runs_by_initiator
    ON operation_runs (initiator_id, created_at, id) INCLUDE (tenant_id, kind, status, outcome)
