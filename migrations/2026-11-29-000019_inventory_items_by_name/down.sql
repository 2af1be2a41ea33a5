DROP INDEX CONCURRENTLY IF EXISTS inventory_items_by_name
