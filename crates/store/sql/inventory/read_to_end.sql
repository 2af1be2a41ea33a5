-- inventory.read_to_end
--
-- Records that the lists of these policy types were read to their end: what is known of them is
-- current as of now. Types of which nothing was known before get a summary without items.
WITH
\ir inventory/pieces/guard.sql
known AS (
    INSERT INTO inventory_type_summaries AS s
        (tenant_id, policy_type, present, missing, data_as_of, last_run)
    SELECT :tenant, k, 0, 0, clock_timestamp(), :run
    FROM guard
        CROSS JOIN unnest(:policy_types::text[]) k
    ORDER BY k
    ON CONFLICT (tenant_id, policy_type) DO UPDATE
    SET data_as_of = EXCLUDED.data_as_of, last_run = EXCLUDED.last_run
)
SELECT EXISTS (SELECT 1 FROM guard) AS held
