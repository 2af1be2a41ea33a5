-- Written by `cargo xtask schema` from webhooks/create.sql.
-- $1 id: uuid
-- $2 user: uuid
-- $3 tenant: uuid
-- $4 most: int8
-- $5 url: text
-- $6 event_types: _text
-- $7 public_url: text
-- $8 key_id: text
-- $9 secret: bytea
-- $10 audit: uuid
-- $11 request: uuid
-- $12 request_name: text
-- $13 address: text
-- $14 user_agent: text
-- $15 detail: jsonb
-- returns permitted: bool
-- returns below: bool
-- returns sealed: bool
-- webhooks.create
--
-- Makes an endpoint that gets the events after now, while its owner, whose row is locked, is a member of its
-- tenant and has not too many, and its secret is for the published key, which is not replaced before the
-- end of the transaction. All three are reported.
WITH key AS MATERIALIZED (
    SELECT k.key_id FROM webhook_sealing_key k WHERE k.key_id = $8 FOR SHARE
),
owner AS (
    SELECT u.id,
        (
            $3::uuid IS NULL
            OR EXISTS (
                SELECT FROM memberships m WHERE m.user_id = u.id AND m.tenant_id = $3
            )
        ) AS permitted,
        (SELECT count(*) FROM webhook_endpoints e WHERE e.user_id = u.id) < $4 AS below,
        EXISTS (SELECT FROM key) AS sealed
    FROM users u
    WHERE u.id = $2 AND u.disabled_at IS NULL
),
created AS (
    INSERT INTO webhook_endpoints (id, user_id, tenant_id, url, event_types, public_url, key_id, secret,
        position)
    SELECT $1, o.id, $3, $5, $6, $7, $8, $9,
        (SELECT max(n.last_position) FROM event_numberings n)
    FROM owner o
    WHERE o.permitted AND o.below AND o.sealed
    RETURNING id, user_id, tenant_id
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent, detail)
    SELECT $10, c.tenant_id, 'user', c.user_id, 'webhook.created', 'webhook', c.id::text, 'allowed', $11,
        $12, $13, $14, $15::jsonb
    FROM created c
)
SELECT o.permitted, o.below, o.sealed FROM owner o
