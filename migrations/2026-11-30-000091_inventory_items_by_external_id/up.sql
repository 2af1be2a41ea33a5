-- Events of Microsoft Graph name an object by its id, and not its policy type.
CREATE INDEX CONCURRENTLY IF NOT EXISTS inventory_items_by_external_id
    ON inventory_items (tenant_id, external_id)
