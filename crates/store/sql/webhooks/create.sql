-- webhooks.create
--
-- Makes an endpoint that gets the events after now, while its owner, whose row is locked, is a member of its
-- tenant and has not too many, and its secret is for the published key, which is not replaced before the
-- end of the transaction. All three are reported.
WITH key AS MATERIALIZED (
    SELECT k.key_id FROM webhook_sealing_key k WHERE k.key_id = :key_id FOR SHARE
),
owner AS (
    SELECT u.id,
        (
            :tenant::uuid IS NULL
            OR EXISTS (
                SELECT FROM memberships m WHERE m.user_id = u.id AND m.tenant_id = :tenant
            )
        ) AS permitted,
        (SELECT count(*) FROM webhook_endpoints e WHERE e.user_id = u.id) < :most AS below,
        EXISTS (SELECT FROM key) AS sealed
    FROM users u
    WHERE u.id = :user AND u.disabled_at IS NULL
),
created AS (
    INSERT INTO webhook_endpoints (id, user_id, tenant_id, url, event_types, public_url, key_id, secret,
        position)
    SELECT :id, o.id, :tenant, :url, :event_types, :public_url, :key_id, :secret,
        (SELECT max(n.last_position) FROM event_numberings n)
    FROM owner o
    WHERE o.permitted AND o.below AND o.sealed
    RETURNING id, user_id, tenant_id
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent, detail)
    SELECT :audit, c.tenant_id, 'user', c.user_id, :'action', 'webhook', c.id::text, 'allowed', :request,
        :request_name, :address, :user_agent, :detail::jsonb
    FROM created c
)
SELECT o.permitted, o.below, o.sealed FROM owner o
