-- Written by `cargo xtask schema` from runs/plan_sweep.sql.
-- $1 kinds: _text
-- returns applied: _text
-- returns oldest_program: text
-- returns read_only: bool
-- returns reclaim: bool
-- returns cancel: bool
-- returns time_out: bool
-- returns fire: bool
-- returns number: bool
-- returns claim: bool
-- runs.plan_sweep
--
-- What a sweep has to do, so that an idle worker asks once: the schema, as `migrations.state` reads
-- it, whether the database takes writes, and which steps have a run. The conditions are those of the
-- steps or wider: a step that is not named would find nothing. Whether a due run's tenant is busy is
-- left to the claim.
--
-- The statuses are constants, so that partial indexes serve each part.
SELECT ARRAY(SELECT m.version::text FROM __diesel_schema_migrations m ORDER BY m.version) AS applied,
    (SELECT c.oldest_program FROM schema_compatibility c) AS oldest_program,
    current_setting('transaction_read_only')::boolean AS read_only,
    EXISTS (
        SELECT FROM operation_runs r
        WHERE r.status = 'running' AND r.kind = ANY ($1)
            AND (r.lease_expires_at < statement_timestamp()
                OR r.heartbeat_at > statement_timestamp() + interval '1 minute')
    ) AS reclaim,
    EXISTS (
        SELECT FROM operation_runs r
        WHERE r.status = 'running' AND r.kind = ANY ($1)
            AND r.cancel_deadline_at < statement_timestamp()
    ) OR EXISTS (
        SELECT FROM tenants t JOIN operation_runs r ON r.tenant_id = t.id
        WHERE NOT t.enabled AND r.status IN ('queued', 'running')
            AND (r.status = 'queued' OR r.cancel_requested_at IS NULL)
    ) AS cancel,
    EXISTS (
        SELECT FROM operation_runs r
        WHERE r.status = 'queued' AND r.kind = ANY ($1)
            AND r.expires_at < statement_timestamp()
            AND (SELECT true FROM queue_controls q WHERE q.kind = r.kind) IS NOT TRUE
    ) AS time_out,
    EXISTS (
        SELECT FROM tenant_schedules s WHERE s.next_due_at <= statement_timestamp()
    ) AS fire,
    (SELECT true FROM operation_run_events e WHERE e.position IS NULL ORDER BY e.at LIMIT 1) IS TRUE
        OR EXISTS (SELECT FROM pending_events) AS number,
    EXISTS (
        SELECT FROM operation_runs r
        WHERE r.status = 'queued' AND r.kind = ANY ($1)
            AND r.not_before <= statement_timestamp()
            AND r.cancel_requested_at IS NULL
            AND (SELECT true FROM queue_controls q WHERE q.kind = r.kind) IS NOT TRUE
    ) AS claim
