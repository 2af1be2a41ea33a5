-- Written by `cargo xtask schema` from webhooks/delete.sql.
-- $1 endpoint: uuid
-- $2 user: uuid
-- $3 audit: uuid
-- $4 request: uuid
-- $5 request_name: text
-- $6 address: text
-- $7 user_agent: text
-- returns count: int8
-- webhooks.delete
--
-- Deletes an endpoint of the user, with its delivery log.
WITH deleted AS (
    DELETE FROM webhook_endpoints e
    WHERE e.id = $1 AND e.user_id = $2
    RETURNING e.id, e.user_id, e.tenant_id
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent)
    SELECT $3, d.tenant_id, 'user', d.user_id, 'webhook.deleted', 'webhook', d.id::text, 'allowed', $4,
        $5, $6, $7
    FROM deleted d
)
SELECT count(*) AS count FROM deleted
