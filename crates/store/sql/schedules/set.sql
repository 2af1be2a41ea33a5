-- schedules.set
--
-- Sets the schedule of a tenant in place of the one before, and goes on where that one was: what it
-- fired last stays. No row when the member may not any more.
WITH
\ir schedules/pieces/permitted.sql
set_anew AS (
    INSERT INTO tenant_schedules (tenant_id, time_of_day, cron, zone, jitter_minutes, catch_up, set_by,
        next_due_at)
    SELECT p.tenant_id, :time_of_day, :cron, :zone, :jitter_minutes, :catch_up, p.user_id, :next
    FROM permitted p
    ON CONFLICT (tenant_id) DO UPDATE
    SET time_of_day = EXCLUDED.time_of_day, cron = EXCLUDED.cron, zone = EXCLUDED.zone,
        jitter_minutes = EXCLUDED.jitter_minutes, catch_up = EXCLUDED.catch_up,
        set_by = EXCLUDED.set_by, set_at = clock_timestamp(), next_due_at = EXCLUDED.next_due_at,
        skipped_due_at = NULL, skip_reason = NULL, stopped_at = NULL, stop_reason = NULL
    RETURNING 1
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent, detail)
    SELECT :audit, p.tenant_id, 'user', p.user_id, :'action', 'schedule', p.tenant_id::text,
        'allowed', :request, :request_name, :address, :user_agent, :detail::jsonb
    FROM permitted p
)
SELECT count(*) AS count FROM set_anew
