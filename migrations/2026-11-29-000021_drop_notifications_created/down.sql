CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_created ON notifications USING brin (created_at)
