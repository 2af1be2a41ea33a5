-- Runs that went wrong are few, and are looked for most. A run comes in here once, at its end.
CREATE INDEX CONCURRENTLY IF NOT EXISTS operation_runs_not_succeeded
    ON operation_runs (created_at, id) INCLUDE (tenant_id, kind, outcome, initiator_id)
    WHERE outcome IN ('partially_succeeded', 'failed', 'cancelled')
