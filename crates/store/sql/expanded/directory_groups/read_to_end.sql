-- Written by `cargo xtask schema` from directory_groups/read_to_end.sql.
-- $1 tenant: uuid
-- $2 scope: text
-- $3 fence: int8
-- $4 token: uuid
-- $5 run: uuid
-- $6 delta_link: text
-- $7 full: bool
-- returns held: bool
-- directory_groups.read_to_end
--
-- Records that everything before the delta link is stored, and how many groups are there and are
-- gone. `full`: the reading reported every group.
WITH
-- Holds while the caller's fence is that of the tenant. FOR SHARE makes the check and the write
-- one: whoever takes the run over updates this row, and so waits for our commit or comes first.
guard AS (
    SELECT 1 AS held
    FROM tenant_fences f
    WHERE f.tenant_id = $1 AND f.scope = $2 AND f.fence = $3 AND f.token = $4
    FOR SHARE
),
counted AS (
    SELECT count(*) FILTER (WHERE g.removed_at IS NULL) AS present,
        count(*) FILTER (WHERE g.removed_at IS NOT NULL) AS removed
    FROM directory_groups g
    WHERE g.tenant_id = $1
),
stored AS (
    INSERT INTO directory_group_readings AS r
        (tenant_id, delta_link, present, removed, data_as_of, full_at, last_run)
    SELECT $1, $6, c.present, c.removed, clock_timestamp(), clock_timestamp(), $5
    FROM guard, counted c
    ON CONFLICT (tenant_id) DO UPDATE
    SET delta_link = EXCLUDED.delta_link,
        present = EXCLUDED.present,
        removed = EXCLUDED.removed,
        data_as_of = EXCLUDED.data_as_of,
        last_run = EXCLUDED.last_run,
        full_at = CASE WHEN $7 THEN EXCLUDED.full_at ELSE r.full_at END
)
SELECT EXISTS (SELECT 1 FROM guard) AS held
