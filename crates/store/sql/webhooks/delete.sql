-- webhooks.delete
--
-- Deletes an endpoint of the user, with its delivery log.
WITH deleted AS (
    DELETE FROM webhook_endpoints e
    WHERE e.id = :endpoint AND e.user_id = :user
    RETURNING e.id, e.user_id, e.tenant_id
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent)
    SELECT :audit, d.tenant_id, 'user', d.user_id, :'action', 'webhook', d.id::text, 'allowed', :request,
        :request_name, :address, :user_agent
    FROM deleted d
)
SELECT count(*) AS count FROM deleted
