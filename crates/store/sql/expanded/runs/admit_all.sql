-- Written by `cargo xtask schema` from runs/admit_all.sql.
-- $1 roles: _text
-- $2 tenants: _uuid
-- $3 initiators: _uuid
-- $4 kinds: _text
-- $5 identities: _text
-- $6 runs: _uuid
-- $7 lock_scopes: _text
-- $8 inputs: _jsonb
-- $9 verifies: _text
-- $10 retries: _uuid
-- $11 priorities: _int2
-- $12 notifications: _uuid
-- $13 titles: _text
-- $14 bodies: _text
-- $15 audits: _uuid
-- $16 requests: _uuid
-- $17 request_names: _text
-- $18 addresses: _text
-- $19 user_agents: _text
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
-- returns place: int8
-- returns created: bool
-- runs.admit_all
--
-- What `runs.admit` does, for starts that arrive together: one round trip, one commit. Returns a row
-- for each start that is permitted, with its place among those that are asked for. Of equal starts the
-- first one records the run, and the others join it. The answers are committed without waiting for the
-- disk when all of them are joins.
--
-- Rows are locked in one pass, in the order of tenant, kind and identity, so that two of these
-- statements cannot wait for each other. For that, a queued run whose priority rises goes through the
-- insert too. It waits for nobody for long: what others hold makes it fail, and each of its starts is
-- then admitted by itself.
--
-- The planner knows neither how many starts there are nor that it could read whole tables: `given` hides
-- the arrays, which would be planned for anew at each small number, and subqueries with a limit are
-- looked up for one start at a time, also where the tables were small when the plan was made.
WITH given AS MATERIALIZED (
    SELECT $2::uuid[] AS tenants, $3::uuid[] AS initiators, $4::text[] AS kinds,
        $5::text[] AS identities, $6::uuid[] AS runs, $7::text[] AS lock_scopes,
        $8::jsonb[] AS inputs, $9::text[] AS verifies, $10::uuid[] AS retries,
        $11::smallint[] AS priorities, $12::uuid[] AS notifications,
        $13::text[] AS titles, $14::text[] AS bodies, $15::uuid[] AS audits,
        $16::uuid[] AS requests, $17::text[] AS request_names,
        $18::text[] AS addresses, $19::text[] AS user_agents,
        set_config('lock_timeout', '200ms', true) AS patience
),
asked AS (
    SELECT a.*
    FROM given g
        CROSS JOIN LATERAL unnest(g.tenants, g.initiators, g.kinds, g.identities, g.runs, g.lock_scopes,
            g.inputs, g.verifies, g.retries, g.priorities, g.notifications, g.titles, g.bodies,
            g.audits, g.requests, g.request_names, g.addresses, g.user_agents)
        WITH ORDINALITY AS a (tenant_id, initiator_id, kind, identity, run_id, lock_scope,
            inputs, verify, retry_of, priority, notification_id, title, body,
            audit_id, request_id, request_name, address, user_agent, place)
    WHERE g.patience IS NOT NULL
),
permitted AS (
    SELECT a.*, p.name
    FROM asked a
        CROSS JOIN LATERAL (
            SELECT t.name
            FROM memberships m
                JOIN tenants t ON t.id = m.tenant_id
                JOIN users i ON i.id = m.user_id
                JOIN tenant_credentials k ON k.tenant_id = t.id
            WHERE m.user_id = a.initiator_id AND m.tenant_id = a.tenant_id
                AND m.role = ANY ($1) AND i.disabled_at IS NULL AND t.enabled
            LIMIT 1
        ) p
),
wanted AS (
    SELECT DISTINCT ON (p.tenant_id, p.kind, p.identity) p.*,
        max(p.priority) OVER (PARTITION BY p.tenant_id, p.kind, p.identity) AS highest
    FROM permitted p
    ORDER BY p.tenant_id, p.kind, p.identity, p.place
),
active AS (
    SELECT r.*
    FROM wanted w
        CROSS JOIN LATERAL (
            SELECT r.*
            FROM operation_runs r
            WHERE r.tenant_id = w.tenant_id AND r.kind = w.kind AND r.identity = w.identity
                AND r.status IN ('queued', 'running')
            LIMIT 1
        ) r
),
inserted AS (
    INSERT INTO operation_runs AS r (id, tenant_id, kind, identity, lock_scope, inputs,
        verify, initiator_id, retry_of, priority, scheduled, served_at, event_seq)
    SELECT w.run_id, w.tenant_id, w.kind, w.identity, w.lock_scope, w.inputs, w.verify,
        w.initiator_id, w.retry_of, w.highest, false,
        coalesce((SELECT f.served_at FROM tenant_fences f
            WHERE f.tenant_id = w.tenant_id AND f.scope = w.lock_scope), '-infinity'),
        1
    FROM wanted w
        LEFT JOIN active a
            ON a.tenant_id = w.tenant_id AND a.kind = w.kind AND a.identity = w.identity
    WHERE a.id IS NULL OR (a.status = 'queued' AND a.priority < w.highest)
    ORDER BY w.tenant_id, w.kind, w.identity
    ON CONFLICT (tenant_id, kind, identity) WHERE status IN ('queued', 'running')
    DO UPDATE SET priority = greatest(r.priority, EXCLUDED.priority)
    RETURNING r.*
),
r AS (
    SELECT * FROM inserted
    UNION ALL
    SELECT a.*
    FROM active a
    WHERE NOT EXISTS (
        SELECT 1 FROM inserted i
        WHERE i.tenant_id = a.tenant_id AND i.kind = a.kind AND i.identity = a.identity
    )
),
created AS (
    SELECT w.*
    FROM wanted w JOIN inserted i ON i.id = w.run_id
),
event AS (
    INSERT INTO operation_run_events (run_id, seq, attempt, event)
    SELECT c.run_id, 1, 0, 'queued' FROM created c
),
notification AS (
    INSERT INTO notifications (id, user_id, tenant_id, run_id, phase, title, body)
    SELECT c.notification_id, c.initiator_id, c.tenant_id, c.run_id, 'queued',
        replace(c.title, '{tenant}', c.name), replace(c.body, '{tenant}', c.name)
    FROM created c
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, request_id, request_name, address, user_agent)
    SELECT p.audit_id, p.tenant_id, 'user', p.initiator_id,
        CASE WHEN r.id = p.run_id THEN 'operation_run.started' ELSE 'operation_run.joined' END,
        'operation_run', r.id::text, 'allowed', p.request_id, p.request_name, p.address, p.user_agent
    FROM permitted p
        JOIN r ON r.tenant_id = p.tenant_id AND r.kind = p.kind AND r.identity = p.identity
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
    , p.place,
    CASE WHEN EXISTS (SELECT 1 FROM created) THEN r.id = p.run_id
        ELSE set_config('synchronous_commit', 'off', true) IS NULL END AS created
FROM permitted p
    JOIN r ON r.tenant_id = p.tenant_id AND r.kind = p.kind AND r.identity = p.identity
    CROSS JOIN LATERAL (SELECT p.name) t
    CROSS JOIN LATERAL (SELECT u.display_name FROM users u WHERE u.id = r.initiator_id LIMIT 1) u
