-- webhooks.rotate_secret
--
-- Gives an endpoint of the user another secret, if that is for the published key. The one before signs
-- beside it for a day.
WITH key AS MATERIALIZED (
    SELECT k.key_id FROM webhook_sealing_key k WHERE k.key_id = :key_id FOR SHARE
),
changed AS (
    UPDATE webhook_endpoints e
    SET previous_key_id = e.key_id, previous_secret = e.secret,
        previous_until = clock_timestamp() + interval '24 hours',
        key_id = :key_id, secret = :secret, updated_at = clock_timestamp()
    WHERE e.id = :endpoint AND e.user_id = :user AND EXISTS (SELECT FROM key)
    RETURNING e.id, e.user_id, e.tenant_id
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent)
    SELECT :audit, c.tenant_id, 'user', c.user_id, :'action', 'webhook', c.id::text, 'allowed', :request,
        :request_name, :address, :user_agent
    FROM changed c
)
SELECT EXISTS (SELECT FROM webhook_endpoints e WHERE e.id = :endpoint AND e.user_id = :user) AS found,
    EXISTS (SELECT FROM changed) AS sealed
