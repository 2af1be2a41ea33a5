CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_events_occurred ON audit_events USING brin (occurred_at)
