-- schedules.fire
--
-- Starts the run of a due time, or joins the same active one, and moves the schedule on: one statement,
-- so that a due time fires once whoever dies. It checks what `runs.admit` checks, of who set the
-- schedule. No row when the due time was seen to, or that person may not sync the tenant any more.
WITH
\ir schedules/pieces/held.sql
permitted AS (
    SELECT t.id AS tenant_id, t.name
    FROM held h
        JOIN memberships m ON m.user_id = h.set_by AND m.tenant_id = h.tenant_id
        JOIN tenants t ON t.id = h.tenant_id
        JOIN users i ON i.id = h.set_by
        JOIN tenant_credentials k ON k.tenant_id = h.tenant_id
    WHERE h.set_by = :initiator AND m.role = ANY (:roles) AND i.disabled_at IS NULL AND t.enabled
),
\ir runs/pieces/admitted.sql
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, detail)
    SELECT :audit, :tenant, :'actor', :initiator,
        CASE WHEN r.id = :run THEN :'started' ELSE :'joined' END,
        'operation_run', r.id::text, 'allowed',
        jsonb_build_object('scheduled', true, 'due_at', :latest::timestamptz)
    FROM r
),
fired AS (
    UPDATE tenant_schedules s
    SET next_due_at = :next, last_due_at = :latest, last_fired_at = clock_timestamp(),
        last_run_id = r.id, skipped_due_at = NULL, skip_reason = NULL
    FROM r
    WHERE s.tenant_id = :tenant
)
SELECT r.id, (r.id = :run) AS created FROM r
