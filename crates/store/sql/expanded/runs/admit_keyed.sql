-- Written by `cargo xtask schema` from runs/admit_keyed.sql.
-- $1 tenant: uuid
-- $2 initiator: uuid
-- $3 roles: _text
-- $4 kind: text
-- $5 identity: text
-- $6 run: uuid
-- $7 lock_scope: text
-- $8 inputs: jsonb
-- $9 verify: text
-- $10 retry_of: uuid
-- $11 priority: int2
-- $12 notification: uuid
-- $13 title: text
-- $14 body: text
-- $15 audit: uuid
-- $16 request: uuid
-- $17 request_name: text
-- $18 address: text
-- $19 user_agent: text
-- $20 key: text
-- $21 request_hash: text
-- returns id: uuid
-- returns tenant_id: uuid
-- returns tenant_name: text
-- returns kind: text
-- returns inputs: jsonb
-- returns verify: text
-- returns initiator_id: uuid
-- returns initiator_name: text
-- returns retry_of: uuid
-- returns scheduled: bool
-- returns attempt: int4
-- returns failures: int4
-- returns max_failures: int4
-- returns created_at: timestamptz
-- returns updated_at: timestamptz
-- returns started_at: timestamptz
-- returns progress: jsonb
-- returns error: jsonb
-- returns status: text
-- returns outcome: text
-- returns not_before: timestamptz
-- returns expires_at: timestamptz
-- returns wait_reason: text
-- returns worker_id: text
-- returns heartbeat_at: timestamptz
-- returns lease_expires_at: timestamptz
-- returns counts: jsonb
-- returns completed_at: timestamptz
-- returns cancel_requested_at: timestamptz
-- returns cancel_requested_by: uuid
-- returns cancel_requested_by_name: text
-- returns cancel_reason: text
-- returns cancel_deadline_at: timestamptz
-- returns not_due: bool
-- returns tenant_busy: bool
-- returns paused: bool
-- returns priority: int2
-- returns created: bool
-- runs.admit_keyed
--
-- What `runs.admit` does, for a start with a key: the key's row is written first, and only who wrote it
-- records or joins a run. A second request with the key waits until the first one has committed, and
-- returns no row. The row names the run that is active, or the proposed one: who lost the race for it
-- corrects that with `runs.correct_key`. A key that is a day old is free, and so is one whose run is
-- gone: that is not asked of a key that was written after this statement began to look.
WITH candidate AS (
    SELECT t.id AS tenant_id, t.name
    FROM memberships m
        JOIN tenants t ON t.id = m.tenant_id
        JOIN users i ON i.id = m.user_id
        JOIN tenant_credentials k ON k.tenant_id = t.id
    WHERE m.user_id = $2 AND m.tenant_id = $1 AND m.role = ANY ($3)
        AND i.disabled_at IS NULL AND t.enabled
),
standing AS (
    SELECT r.id
    FROM candidate c JOIN operation_runs r ON r.tenant_id = c.tenant_id
    WHERE r.kind = $4 AND r.identity = $5 AND r.status IN ('queued', 'running')
),
keyed AS (
    INSERT INTO start_keys AS k (user_id, key, request_hash, run_id, joined)
    SELECT $2, $20, $21, coalesce((SELECT s.id FROM standing s), $6),
        EXISTS (SELECT 1 FROM standing)
    FROM candidate
    ON CONFLICT (user_id, key) DO UPDATE
    SET request_hash = EXCLUDED.request_hash, run_id = EXCLUDED.run_id, joined = EXCLUDED.joined,
        created_at = clock_timestamp()
    WHERE k.created_at < statement_timestamp() - interval '1 day'
        OR (k.created_at < statement_timestamp() - interval '1 minute'
            AND NOT EXISTS (SELECT 1 FROM operation_runs g WHERE g.id = k.run_id))
    RETURNING k.user_id
),
permitted AS (
    SELECT c.tenant_id, c.name FROM candidate c WHERE EXISTS (SELECT 1 FROM keyed)
),
-- Follows `permitted`, the tenant when a run of it may be recorded: the active run, or a new one with
-- its first event and its notification. `r` is the one or the other.
active AS (
    SELECT r.*
    FROM permitted p JOIN operation_runs r ON r.tenant_id = p.tenant_id
    WHERE r.kind = $4 AND r.identity = $5 AND r.status IN ('queued', 'running')
),
inserted AS (
    INSERT INTO operation_runs AS r (id, tenant_id, kind, identity, lock_scope, inputs,
        verify, initiator_id, retry_of, priority, scheduled, served_at, event_seq)
    SELECT $6, p.tenant_id, $4, $5, $7, $8, $9, $2,
        $10,
        $11, 'false'::boolean,
        coalesce((SELECT f.served_at FROM tenant_fences f
            WHERE f.tenant_id = p.tenant_id AND f.scope = $7), '-infinity'),
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
    SELECT id, 1, 0, 'queued' FROM inserted WHERE id = $6
),
notification AS (
    INSERT INTO notifications (id, user_id, tenant_id, run_id, phase, title, body)
    SELECT $12, $2, $1, i.id, 'queued', replace($13, '{tenant}', p.name),
        replace($14, '{tenant}', p.name)
    FROM inserted i, permitted p
    WHERE i.id = $6
),
-- Follows `r`, the run that was created or joined: its audit entry, and the run as it is answered.
raised AS (
    UPDATE operation_runs q
    SET priority = $11
    FROM active a
    WHERE q.id = a.id AND q.status = 'queued' AND q.priority < $11
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent)
    SELECT $15, $1, 'user', $2,
        CASE WHEN r.id = $6 THEN 'operation_run.started' ELSE 'operation_run.joined' END,
        'operation_run', r.id::text, 'allowed', $16, $17, $18, $19
    FROM r
)
SELECT
    r.id, r.tenant_id, t.name AS tenant_name, r.kind, r.inputs, r.verify, r.initiator_id,
    u.display_name AS initiator_name, r.retry_of, r.scheduled, r.attempt, r.failures, r.max_failures,
    r.created_at, r.updated_at, r.started_at, r.progress, r.error, r.status, r.outcome,
    r.not_before, r.expires_at, r.wait_reason, r.worker_id, r.heartbeat_at, r.lease_expires_at,
    r.counts, r.completed_at, r.cancel_requested_at, r.cancel_requested_by,
    (SELECT b.display_name FROM users b WHERE b.id = r.cancel_requested_by)
        AS cancel_requested_by_name,
    r.cancel_reason, r.cancel_deadline_at,
    (r.not_before > clock_timestamp()) AS not_due,  -- the row may be younger than the statement
    (r.status = 'queued' AND (  -- one row at most, and no EXISTS, for which all that runs might be read
        SELECT true FROM operation_runs o
        WHERE o.tenant_id = r.tenant_id AND o.lock_scope = r.lock_scope AND o.status = 'running'
    ) IS TRUE) AS tenant_busy,
    (r.status = 'queued' AND EXISTS (
        SELECT 1 FROM queue_controls q WHERE q.kind = r.kind
    )) AS paused,
    r.priority
    , CASE WHEN r.id = $6 THEN true
        ELSE set_config('synchronous_commit', 'off', true) IS NULL END AS created
FROM r
    JOIN tenants t ON t.id = r.tenant_id
    JOIN users u ON u.id = r.initiator_id
