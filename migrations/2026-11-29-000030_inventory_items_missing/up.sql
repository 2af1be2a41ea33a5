-- Items that are missing are few among those that are there.
CREATE INDEX CONCURRENTLY IF NOT EXISTS inventory_items_missing
    ON inventory_items (tenant_id, name, id)
    INCLUDE (policy_type, category, platform, foundation, missing_since)
    WHERE missing_since IS NOT NULL
