-- Written by `cargo xtask schema` from webhooks/change.sql.
-- $1 endpoint: uuid
-- $2 user: uuid
-- $3 url: text
-- $4 event_types: _text
-- $5 enabled: bool
-- $6 anew: bool
-- $7 from_now: bool
-- $8 public_url: text
-- $9 audit: uuid
-- $10 request: uuid
-- $11 request_name: text
-- $12 address: text
-- $13 user_agent: text
-- $14 detail: jsonb
-- returns count: int8
-- webhooks.change
--
-- Changes an endpoint of the user. What is not given stays. Enabled, it goes on where it was, or at the end
-- of the log, at once and with no failures. Disabled, it is nobody's who sends, so that what is under way
-- changes nothing of it. No row when the user has no such endpoint.
WITH changed AS (
    UPDATE webhook_endpoints e
    SET url = coalesce($3, e.url), event_types = coalesce($4, e.event_types),
        public_url = $8, updated_at = clock_timestamp(),
        disabled_at = CASE
            WHEN $5 THEN NULL
            WHEN NOT $5 THEN coalesce(e.disabled_at, clock_timestamp())
            ELSE e.disabled_at
        END,
        disable_reason = CASE
            WHEN $5 THEN NULL
            WHEN NOT $5 THEN coalesce(e.disable_reason, 'by_owner')
            ELSE e.disable_reason
        END,
        failures = CASE WHEN $6 THEN 0 ELSE e.failures END,
        failing_since = CASE WHEN $6 THEN NULL ELSE e.failing_since END,
        next_at = CASE WHEN $6 THEN clock_timestamp() ELSE e.next_at END,
        position = CASE
            WHEN $7 THEN (SELECT max(n.last_position) FROM event_numberings n)
            ELSE e.position
        END,
        lease_token = CASE WHEN $7 OR NOT $5 THEN NULL ELSE e.lease_token END,
        lease_expires_at = CASE WHEN $7 OR NOT $5 THEN NULL ELSE e.lease_expires_at END
    FROM users u
    WHERE e.id = $1 AND e.user_id = $2 AND u.id = e.user_id AND u.disabled_at IS NULL
    RETURNING e.id, e.user_id, e.tenant_id
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent, detail)
    SELECT $9, c.tenant_id, 'user', c.user_id, 'webhook.changed', 'webhook', c.id::text, 'allowed', $10,
        $11, $12, $13, $14::jsonb
    FROM changed c
)
SELECT count(*) AS count FROM changed
