-- Written by `cargo xtask schema` from inventory/read_to_end.sql.
-- $1 tenant: uuid
-- $2 scope: text
-- $3 fence: int8
-- $4 token: uuid
-- $5 run: uuid
-- $6 policy_types: _text
-- returns held: bool
-- inventory.read_to_end
--
-- Records that the lists of these policy types were read to their end: what is known of them is
-- current as of now. Types of which nothing was known before get a summary without items.
WITH
-- Holds while the caller's fence is that of the tenant. FOR SHARE makes the check and the write
-- one: whoever takes the run over updates this row, and so waits for our commit or comes first.
guard AS (
    SELECT 1 AS held
    FROM tenant_fences f
    WHERE f.tenant_id = $1 AND f.scope = $2 AND f.fence = $3 AND f.token = $4
    FOR SHARE
),
known AS (
    INSERT INTO inventory_type_summaries AS s
        (tenant_id, policy_type, present, missing, data_as_of, last_run)
    SELECT $1, k, 0, 0, clock_timestamp(), $5
    FROM guard
        CROSS JOIN unnest($6::text[]) k
    ORDER BY k
    ON CONFLICT (tenant_id, policy_type) DO UPDATE
    SET data_as_of = EXCLUDED.data_as_of, last_run = EXCLUDED.last_run
)
SELECT EXISTS (SELECT 1 FROM guard) AS held
