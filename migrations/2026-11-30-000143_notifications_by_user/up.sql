-- A page of a user's notifications is found in it, also of a tenant.
CREATE INDEX CONCURRENTLY IF NOT EXISTS notifications_by_user
    ON notifications (user_id, created_at DESC, id DESC) INCLUDE (tenant_id)
