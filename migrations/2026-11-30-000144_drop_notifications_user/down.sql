CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_user
    ON notifications (user_id, created_at DESC, id DESC)
