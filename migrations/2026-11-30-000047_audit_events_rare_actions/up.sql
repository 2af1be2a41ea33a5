-- Of a tenant's many entries nearly all are of these three actions, of which the newest are soon found
-- in the order of time. Entries of other actions are few, and so is what they cost when they are written.
CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_events_rare_actions
    ON audit_events (tenant_id, action, occurred_at, id) INCLUDE (actor_id, outcome)
    WHERE action NOT IN
        ('operation_run.started', 'operation_run.joined', 'operation_run.completed')
