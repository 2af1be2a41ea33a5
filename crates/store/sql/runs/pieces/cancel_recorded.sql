-- Follows `changed`, the new version of the run's row: event and audit entry, in the requester's name.
-- Of one who was disabled since the request began it is not kept where that came from.
event AS (
    INSERT INTO operation_run_events (run_id, seq, attempt, event, detail)
    SELECT c.id, c.event_seq, c.attempt, :'event',
        jsonb_build_object('requested_by', :user::uuid)
    FROM changed c
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent, detail)
    SELECT :audit, c.tenant_id, 'user', :user, :'action', 'operation_run', c.id::text, 'allowed',
        :request, :request_name, CASE WHEN n.is_enabled THEN :address END,
        CASE WHEN n.is_enabled THEN :user_agent END,
        jsonb_strip_nulls(jsonb_build_object('attempt', c.attempt, 'reason', c.cancel_reason))
    FROM changed c
        CROSS JOIN LATERAL (SELECT NOT EXISTS (
            SELECT 1 FROM users q WHERE q.id = :user AND q.disabled_at IS NOT NULL
        ) AS is_enabled) n
)
