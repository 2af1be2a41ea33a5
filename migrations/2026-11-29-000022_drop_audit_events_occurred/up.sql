-- Retention asks the index of each tenant's entries by time, as it does for notifications.
DROP INDEX CONCURRENTLY IF EXISTS audit_events_occurred
