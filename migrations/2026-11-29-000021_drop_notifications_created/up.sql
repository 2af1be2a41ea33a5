-- Retention asks the index of each user's notifications by time: once deleted rows have made room in
-- the middle of the table, a block range index finds nothing but the whole of it.
DROP INDEX CONCURRENTLY IF EXISTS notifications_created
