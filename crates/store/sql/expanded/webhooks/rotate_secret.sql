-- Written by `cargo xtask schema` from webhooks/rotate_secret.sql.
-- $1 endpoint: uuid
-- $2 user: uuid
-- $3 key_id: text
-- $4 secret: bytea
-- $5 audit: uuid
-- $6 request: uuid
-- $7 request_name: text
-- $8 address: text
-- $9 user_agent: text
-- returns found: bool
-- returns sealed: bool
-- webhooks.rotate_secret
--
-- Gives an endpoint of the user another secret, if that is for the published key. The one before signs
-- beside it for a day.
WITH key AS MATERIALIZED (
    SELECT k.key_id FROM webhook_sealing_key k WHERE k.key_id = $3 FOR SHARE
),
changed AS (
    UPDATE webhook_endpoints e
    SET previous_key_id = e.key_id, previous_secret = e.secret,
        previous_until = clock_timestamp() + interval '24 hours',
        key_id = $3, secret = $4, updated_at = clock_timestamp()
    WHERE e.id = $1 AND e.user_id = $2 AND EXISTS (SELECT FROM key)
    RETURNING e.id, e.user_id, e.tenant_id
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent)
    SELECT $5, c.tenant_id, 'user', c.user_id, 'webhook.secret_rotated', 'webhook', c.id::text, 'allowed', $6,
        $7, $8, $9
    FROM changed c
)
SELECT EXISTS (SELECT FROM webhook_endpoints e WHERE e.id = $1 AND e.user_id = $2) AS found,
    EXISTS (SELECT FROM changed) AS sealed
