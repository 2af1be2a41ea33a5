-- Follows `permitted`, the tenant when a run of it may be recorded: the active run, or a new one with
-- its first event and its notification. `r` is the one or the other.
active AS (
    SELECT r.*
    FROM permitted p JOIN operation_runs r ON r.tenant_id = p.tenant_id
    WHERE r.kind = :kind AND r.identity = :identity AND r.status IN ('queued', 'running')
),
inserted AS (
    INSERT INTO operation_runs AS r (id, tenant_id, kind, identity, lock_scope, inputs,
        verify, initiator_id, retry_of, priority, scheduled, served_at, event_seq)
    SELECT :run, p.tenant_id, :kind, :identity, :lock_scope, :inputs, :verify, :initiator,
        :retry_of,
        :priority, :'scheduled'::boolean,
        coalesce((SELECT f.served_at FROM tenant_fences f
            WHERE f.tenant_id = p.tenant_id AND f.scope = :lock_scope), '-infinity'),
        1
    FROM permitted p
    WHERE NOT EXISTS (SELECT 1 FROM active)
    ON CONFLICT (tenant_id, kind, identity) WHERE status IN ('queued', 'running')
    DO UPDATE SET priority = greatest(r.priority, EXCLUDED.priority)
    RETURNING r.*
),
r AS (
    SELECT * FROM inserted
    UNION ALL
    SELECT * FROM active
),
event AS (
    INSERT INTO operation_run_events (run_id, seq, attempt, event)
    SELECT id, 1, 0, 'queued' FROM inserted WHERE id = :run
),
notification AS (
    INSERT INTO notifications (id, user_id, tenant_id, run_id, phase, title, body)
    SELECT :notification, :initiator, :tenant, i.id, 'queued', replace(:title, '{tenant}', p.name),
        replace(:body, '{tenant}', p.name)
    FROM inserted i, permitted p
    WHERE i.id = :run
),
