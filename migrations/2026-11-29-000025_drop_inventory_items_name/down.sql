CREATE INDEX CONCURRENTLY IF NOT EXISTS inventory_items_name ON inventory_items (tenant_id, name, id)
