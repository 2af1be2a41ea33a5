-- The newest run of a kind, for kinds that are much rarer than syncs of the inventory.
CREATE INDEX CONCURRENTLY IF NOT EXISTS operation_runs_of_other_kinds
    ON operation_runs (tenant_id, kind, created_at DESC, id DESC) INCLUDE (outcome, completed_at)
    WHERE kind <> 'inventory_sync'
