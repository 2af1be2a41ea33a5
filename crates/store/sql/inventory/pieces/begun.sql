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
    FROM unnest(:runs_of_types::uuid[], :policy_types::text[]) AS k(run, policy_type)
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
