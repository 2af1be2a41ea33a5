-- The newest run of a tenant that ended in one way: when it was last synced (a list of tenants asks
-- for each of them), and what retention keeps. Holds runs that have ended only, so that nothing
-- before the end of a run writes it.
CREATE INDEX CONCURRENTLY IF NOT EXISTS operation_runs_outcome
    ON operation_runs (tenant_id, outcome, created_at DESC, id DESC) INCLUDE (kind, completed_at)
    WHERE outcome IS NOT NULL
