-- Items whose names contain a text, of three characters or more.
CREATE INDEX CONCURRENTLY IF NOT EXISTS inventory_items_by_part_of_name
    ON inventory_items USING gin (tenant_id, name gin_trgm_ops)
