-- notifications_by_user has its columns and one more.
DROP INDEX CONCURRENTLY IF EXISTS notifications_user
