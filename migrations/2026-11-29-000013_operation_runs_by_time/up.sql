-- Runs of all tenants by time, with what lists filter by, so that a page of keys is found without a
-- row. Ascending, as runs come, and read backwards: new keys go to the last page of the index.
CREATE INDEX CONCURRENTLY IF NOT EXISTS operation_runs_by_time
    ON operation_runs (created_at, id) INCLUDE (tenant_id, kind, status, outcome, initiator_id)
