CREATE INDEX CONCURRENTLY IF NOT EXISTS inventory_changes_occurred
    ON inventory_changes USING brin (occurred_at)
