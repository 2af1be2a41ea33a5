-- inventory_items_by_name is in its place.
DROP INDEX CONCURRENTLY IF EXISTS inventory_items_name
