-- Retention asks the primary key, which begins with tenant and time.
DROP INDEX CONCURRENTLY IF EXISTS inventory_changes_occurred
