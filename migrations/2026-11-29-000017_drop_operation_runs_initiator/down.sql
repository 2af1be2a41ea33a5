CREATE INDEX CONCURRENTLY IF NOT EXISTS operation_runs_initiator
    ON operation_runs (initiator_id, created_at DESC, id DESC)
