-- inventory.record_result
--
-- Records how reading one policy type went, without the numbers of changes, which stand already,
-- and returns these. Returns no row when the guard does not hold.
WITH
\ir inventory/pieces/guard.sql
recorded AS (
    UPDATE inventory_type_results x
    SET status = :status,
        pages = :pages,
        seen = :seen,
        values_read = :values_read,
        values_verified = :values_verified,
        error = :error,
        started_at = :started_at,
        completed_at = :completed_at
    FROM guard
    WHERE x.run_id = :run AND x.policy_type = :policy_type
    RETURNING x.created, x.changed, x.reassigned, x.missing, x.back
)
SELECT coalesce(x.created, 0) AS created, coalesce(x.changed, 0) AS changed,
    coalesce(x.reassigned, 0) AS reassigned, coalesce(x.missing, 0) AS missing,
    coalesce(x.back, 0) AS back
FROM guard
    LEFT JOIN recorded x ON true
