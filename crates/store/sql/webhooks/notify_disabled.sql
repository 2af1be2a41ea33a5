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
            ORDER BY m.tenant_id = :tenant DESC NULLS LAST, m.tenant_id = e.tenant_id DESC NULLS LAST,
                m.tenant_id
            LIMIT 1
        ) m ON true
    WHERE e.id = :endpoint
),
notice AS (
    INSERT INTO tenant_notices (id, user_id, tenant_id, kind, title, body)
    SELECT :notification, d.user_id, d.tenant_id, :'notice', :title, :body
    FROM ended d
    WHERE d.tenant_id IS NOT NULL
    RETURNING id, user_id, tenant_id, kind
),
\ir events/pieces/of_notices.sql
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, detail)
    SELECT :audit, d.of_tenant, :'actor', d.user_id, :'action', 'webhook', d.id::text, 'failed',
        jsonb_build_object('reason', :reason::text)
    FROM ended d
)
SELECT count(*) AS count FROM ended
