-- runs.claim
--
-- Takes due runs, one for each token, of tenants that are not busy, in the order of the index over
-- queued runs: priority, the tenant served least recently, age. Kinds that are paused, kinds that
-- this version does not know and rows that another claim holds are skipped. The fences are raised in
-- the same statement, and the other queued runs of those tenants go behind those of other tenants;
-- one that somebody else holds keeps its place, because waiting for it could wait for whoever waits
-- for this claim.
--
-- A program that is too old for the schema takes nothing, from the moment on in which a migration
-- says so.
--
-- The conditions on `due` are subqueries that cannot become joins: the planner then walks the
-- index from its beginning instead of joining and sorting all that is queued. The limit is a
-- constant for the same reason: of any other the planner believes that it is a tenth of the table.
WITH due AS (
    SELECT r.id, r.tenant_id, r.lock_scope, r.priority, r.served_at, r.created_at
    FROM operation_runs r
    WHERE r.status = :'source'
        AND r.not_before <= statement_timestamp()
        AND r.cancel_requested_at IS NULL
        AND r.kind = ANY (:kinds)
        AND (SELECT true FROM queue_controls q WHERE q.kind = r.kind) IS NOT TRUE
        AND (SELECT true FROM operation_runs o
            WHERE o.tenant_id = r.tenant_id AND o.lock_scope = r.lock_scope
                AND o.status = 'running') IS NOT TRUE
        AND (SELECT t.enabled FROM tenants t WHERE t.id = r.tenant_id) IS TRUE
        AND (SELECT c.oldest_program <= :program FROM schema_compatibility c) IS TRUE
    ORDER BY r.priority DESC, r.served_at, r.created_at, r.id
    LIMIT :'most'
    FOR UPDATE OF r SKIP LOCKED
),
one_of_each AS (
    SELECT DISTINCT ON (tenant_id, lock_scope) id
    FROM due
    ORDER BY tenant_id, lock_scope, priority DESC, served_at, created_at, id
),
chosen AS (
    SELECT id, row_number() OVER () AS place FROM one_of_each
),
claimed AS (
    UPDATE operation_runs r
    SET status = 'running',
        attempt = r.attempt + 1,
        worker_id = :worker,
        lease_token = (:tokens::uuid[])[chosen.place],
        heartbeat_at = clock_timestamp(),
        lease_expires_at = clock_timestamp() + :lease_ms::bigint * interval '1 millisecond',
        started_at = coalesce(r.started_at, clock_timestamp()),
        wait_reason = NULL,
        progress = NULL,
        error = NULL,
        served_at = clock_timestamp(),
        updated_at = clock_timestamp(),
        event_seq = r.event_seq + 1
    FROM chosen
    WHERE r.id = chosen.id AND r.status = :'source'
    RETURNING r.*
),
behind AS (
    UPDATE operation_runs r
    SET served_at = waiting.served_at
    FROM (
        SELECT o.id, c.served_at
        FROM claimed c
            JOIN operation_runs o ON o.tenant_id = c.tenant_id AND o.lock_scope = c.lock_scope
                AND o.status = :'source' AND o.id <> c.id
        FOR UPDATE OF o SKIP LOCKED
    ) waiting
    WHERE r.id = waiting.id AND r.status = :'source'
),
fenced AS (
    INSERT INTO tenant_fences AS f (tenant_id, scope, fence, token, served_at)
    SELECT tenant_id, lock_scope, 1, lease_token, served_at FROM claimed
    ON CONFLICT (tenant_id, scope) DO UPDATE
    SET fence = f.fence + 1, token = EXCLUDED.token, served_at = EXCLUDED.served_at
    RETURNING f.tenant_id, f.scope, f.fence
),
event AS (
    INSERT INTO operation_run_events (run_id, seq, attempt, event, detail)
    SELECT id, event_seq, attempt, 'claimed', jsonb_build_object('worker_id', worker_id)
    FROM claimed
)
SELECT c.id, c.tenant_id, c.kind, c.inputs, c.verify, c.initiator_id, c.attempt, c.failures,
    c.max_failures, c.lease_token, f.fence, t.directory_id
FROM claimed c
    JOIN fenced f ON f.tenant_id = c.tenant_id AND f.scope = c.lock_scope
    JOIN tenants t ON t.id = c.tenant_id
