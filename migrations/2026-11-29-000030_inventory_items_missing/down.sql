DROP INDEX CONCURRENTLY IF EXISTS inventory_items_missing
