-- Follows `notice`, the new notifications that are about no run: their events.
notified AS (
    INSERT INTO pending_events (id, event_type, tenant_id, user_id, personal, data)
    SELECT event_id(statement_timestamp(), 'notification ' || n.id), :'notified', n.tenant_id,
        n.user_id, true, jsonb_build_object('notification_id', n.id, 'phase', n.kind)
    FROM notice n
),
