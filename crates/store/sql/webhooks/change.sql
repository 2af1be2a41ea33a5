-- webhooks.change
--
-- Changes an endpoint of the user. What is not given stays. Enabled, it goes on where it was, or at the end
-- of the log, at once and with no failures. Disabled, it is nobody's who sends, so that what is under way
-- changes nothing of it. No row when the user has no such endpoint.
WITH changed AS (
    UPDATE webhook_endpoints e
    SET url = coalesce(:url, e.url), event_types = coalesce(:event_types, e.event_types),
        public_url = :public_url, updated_at = clock_timestamp(),
        disabled_at = CASE
            WHEN :enabled THEN NULL
            WHEN NOT :enabled THEN coalesce(e.disabled_at, clock_timestamp())
            ELSE e.disabled_at
        END,
        disable_reason = CASE
            WHEN :enabled THEN NULL
            WHEN NOT :enabled THEN coalesce(e.disable_reason, :'by_owner')
            ELSE e.disable_reason
        END,
        failures = CASE WHEN :anew THEN 0 ELSE e.failures END,
        failing_since = CASE WHEN :anew THEN NULL ELSE e.failing_since END,
        next_at = CASE WHEN :anew THEN clock_timestamp() ELSE e.next_at END,
        position = CASE
            WHEN :from_now THEN (SELECT max(n.last_position) FROM event_numberings n)
            ELSE e.position
        END,
        lease_token = CASE WHEN :from_now OR NOT :enabled THEN NULL ELSE e.lease_token END,
        lease_expires_at = CASE WHEN :from_now OR NOT :enabled THEN NULL ELSE e.lease_expires_at END
    FROM users u
    WHERE e.id = :endpoint AND e.user_id = :user AND u.id = e.user_id AND u.disabled_at IS NULL
    RETURNING e.id, e.user_id, e.tenant_id
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent, detail)
    SELECT :audit, c.tenant_id, 'user', c.user_id, :'action', 'webhook', c.id::text, 'allowed', :request,
        :request_name, :address, :user_agent, :detail::jsonb
    FROM changed c
)
SELECT count(*) AS count FROM changed
