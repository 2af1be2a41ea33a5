-- Written by `cargo xtask schema` from inventory/record_result.sql.
-- $1 tenant: uuid
-- $2 scope: text
-- $3 fence: int8
-- $4 token: uuid
-- $5 run: uuid
-- $6 policy_type: text
-- $7 status: text
-- $8 pages: int4
-- $9 seen: int8
-- $10 values_read: int8
-- $11 values_verified: int8
-- $12 error: jsonb
-- $13 started_at: timestamptz
-- $14 completed_at: timestamptz
-- returns created: int8
-- returns changed: int8
-- returns reassigned: int8
-- returns missing: int8
-- returns back: int8
-- inventory.record_result
--
-- Records how reading one policy type went, without the numbers of changes, which stand already,
-- and returns these. Returns no row when the guard does not hold.
WITH
-- Holds while the caller's fence is that of the tenant. FOR SHARE makes the check and the write
-- one: whoever takes the run over updates this row, and so waits for our commit or comes first.
guard AS (
    SELECT 1 AS held
    FROM tenant_fences f
    WHERE f.tenant_id = $1 AND f.scope = $2 AND f.fence = $3 AND f.token = $4
    FOR SHARE
),
recorded AS (
    UPDATE inventory_type_results x
    SET status = $7,
        pages = $8,
        seen = $9,
        values_read = $10,
        values_verified = $11,
        error = $12,
        started_at = $13,
        completed_at = $14
    FROM guard
    WHERE x.run_id = $5 AND x.policy_type = $6
    RETURNING x.created, x.changed, x.reassigned, x.missing, x.back
)
SELECT coalesce(x.created, 0) AS created, coalesce(x.changed, 0) AS changed,
    coalesce(x.reassigned, 0) AS reassigned, coalesce(x.missing, 0) AS missing,
    coalesce(x.back, 0) AS back
FROM guard
    LEFT JOIN recorded x ON true
