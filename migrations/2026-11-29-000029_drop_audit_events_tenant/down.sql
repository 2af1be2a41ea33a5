CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_events_tenant
    ON audit_events (tenant_id, occurred_at DESC, id DESC)
