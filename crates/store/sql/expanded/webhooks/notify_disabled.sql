-- Written by `cargo xtask schema` from webhooks/notify_disabled.sql.
-- $1 endpoint: uuid
-- $2 tenant: uuid
-- $3 notification: uuid
-- $4 title: text
-- $5 body: text
-- $6 audit: uuid
-- $7 reason: text
-- returns count: int8
-- webhooks.notify_disabled
--
-- Notifies the owner of an endpoint that was disabled, and writes the events and the audit entry of it.
-- A notification is about a tenant: that of the event, or that of the endpoint, or any of the owner's.
WITH ended AS (
    SELECT e.id, e.user_id, m.tenant_id, e.tenant_id AS of_tenant
    FROM webhook_endpoints e
        LEFT JOIN LATERAL (
            SELECT m.tenant_id
            FROM memberships m
            WHERE m.user_id = e.user_id
            ORDER BY m.tenant_id = $2 DESC NULLS LAST, m.tenant_id = e.tenant_id DESC NULLS LAST,
                m.tenant_id
            LIMIT 1
        ) m ON true
    WHERE e.id = $1
),
notice AS (
    INSERT INTO tenant_notices (id, user_id, tenant_id, kind, title, body)
    SELECT $3, d.user_id, d.tenant_id, 'webhook_disabled', $4, $5
    FROM ended d
    WHERE d.tenant_id IS NOT NULL
    RETURNING id, user_id, tenant_id, kind
),
-- Follows `notice`, the new notifications that are about no run: their events.
notified AS (
    INSERT INTO pending_events (id, event_type, tenant_id, user_id, personal, data)
    SELECT event_id(statement_timestamp(), 'notification ' || n.id), 'notification.created', n.tenant_id,
        n.user_id, true, jsonb_build_object('notification_id', n.id, 'phase', n.kind)
    FROM notice n
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, detail)
    SELECT $6, d.of_tenant, 'worker', d.user_id, 'webhook.disabled', 'webhook', d.id::text, 'failed',
        jsonb_build_object('reason', $7::text)
    FROM ended d
)
SELECT count(*) AS count FROM ended
