-- webhooks.create
--
-- Makes an endpoint that gets the events after now, while its owner is a member of its tenant and has not
-- too many. Both are reported.
WITH owner AS (
    SELECT u.id,
        (
            :tenant::uuid IS NULL
            OR EXISTS (
                SELECT FROM memberships m WHERE m.user_id = u.id AND m.tenant_id = :tenant
            )
        ) AS permitted,
        (SELECT count(*) FROM webhook_endpoints e WHERE e.user_id = u.id) < :most AS below
    FROM users u
    WHERE u.id = :user AND u.disabled_at IS NULL
),
created AS (
    INSERT INTO webhook_endpoints (id, user_id, tenant_id, url, event_types, public_url, key_id, secret,
        position)
    SELECT :id, o.id, :tenant, :url, :event_types, :public_url, :key_id, :secret,
        (SELECT max(n.last_position) FROM event_numberings n)
    FROM owner o
    WHERE o.permitted AND o.below
    RETURNING id, user_id, tenant_id
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent, detail)
    SELECT :audit, c.tenant_id, 'user', c.user_id, :'action', 'webhook', c.id::text, 'allowed', :request,
        :request_name, :address, :user_agent, :detail::jsonb
    FROM created c
)
SELECT o.permitted, o.below FROM owner o
