-- As inventory_items_name, which it replaces, with what lists filter by, so that a page of keys is
-- found without a row. None of it changes at a sync of an item that is as it was.
CREATE INDEX CONCURRENTLY IF NOT EXISTS inventory_items_by_name
    ON inventory_items (tenant_id, name, id)
    INCLUDE (policy_type, category, platform, foundation, missing_since)
