-- Written by `cargo xtask schema` from inventory/begin.sql.
-- $1 runs: _uuid
-- $2 tenants: _uuid
-- $3 scopes: _text
-- $4 fences: _int8
-- $5 tokens: _uuid
-- $6 initiators: _uuid
-- $7 selections: _jsonb
-- $8 hashes: _text
-- $9 runs_of_types: _uuid
-- $10 policy_types: _text
-- returns run: uuid
-- inventory.begin
--
-- Records what runs read, and returns those that are their owners' still. Locks the rows of the
-- runs, which what is recorded refers to, then those of their fences, in the order in which
-- everybody locks them, and waits for whoever holds them. FOR SHARE of the fence makes the check
-- and the write one, as for every write of a sync. `= ANY` repeats what the joins say: from it the
-- planner knows that few rows are asked for, and takes an index.
WITH
-- What begins: a row for each run.
asked AS (
    SELECT *
    FROM unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::uuid[],
        $6::uuid[], $7::jsonb[], $8::text[]
    ) AS a(run, tenant, scope, fence, token, initiator, selection, hash)
),
kept AS (
    SELECT r.id
    FROM operation_runs r
    WHERE r.id = ANY ($1)
    FOR KEY SHARE
),
guard AS (
    SELECT a.*
    FROM tenant_fences f
        JOIN asked a ON f.tenant_id = a.tenant AND f.scope = a.scope AND f.fence = a.fence
            AND f.token = a.token
    WHERE f.tenant_id = ANY ($2) AND a.run IN (SELECT id FROM kept)
    FOR SHARE OF f
),
-- Records the runs whose guard holds, with every type pending. What earlier attempts of a run
-- counted stays counted: a later attempt finds it stored and does not count it again.
recorded AS (
    INSERT INTO inventory_sync_runs (run_id, tenant_id, initiator_id, selection, selection_hash)
    SELECT run, tenant, initiator, selection, hash
    FROM guard
    ON CONFLICT (run_id) DO NOTHING
),
results AS (
    INSERT INTO inventory_type_results AS x (run_id, policy_type, status, tenant_id)
    SELECT k.run, k.policy_type, 'pending', guard.tenant
    FROM unnest($9::uuid[], $10::text[]) AS k(run, policy_type)
        JOIN guard ON guard.run = k.run
    ON CONFLICT (run_id, policy_type) DO UPDATE
    SET status = 'pending',
        pages = 0,
        seen = 0,
        values_read = 0,
        values_verified = 0,
        error = NULL,
        started_at = NULL,
        completed_at = NULL
)
SELECT run FROM guard
