-- Follows `changed`, the new version of the run's row: event and audit entry, in the requester's name.
event AS (
    INSERT INTO operation_run_events (run_id, seq, attempt, event, detail)
    SELECT c.id, c.event_seq, c.attempt, :'event',
        jsonb_build_object('requested_by', :user::uuid)
    FROM changed c
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, address, user_agent, detail)
    SELECT :audit, c.tenant_id, 'user', :user, :'action', 'operation_run', c.id::text, 'allowed',
        :request, :address, :user_agent,
        jsonb_strip_nulls(jsonb_build_object('attempt', c.attempt, 'reason', c.cancel_reason))
    FROM changed c
)
