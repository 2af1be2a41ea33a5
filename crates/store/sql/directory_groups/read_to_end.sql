-- directory_groups.read_to_end
--
-- Records that everything before the delta link is stored, and how many groups are there and are
-- gone. `full`: the reading reported every group.
WITH
\ir inventory/pieces/guard.sql
counted AS (
    SELECT count(*) FILTER (WHERE g.removed_at IS NULL) AS present,
        count(*) FILTER (WHERE g.removed_at IS NOT NULL) AS removed
    FROM directory_groups g
    WHERE g.tenant_id = :tenant
),
stored AS (
    INSERT INTO directory_group_readings AS r
        (tenant_id, delta_link, present, removed, data_as_of, full_at, last_run)
    SELECT :tenant, :delta_link, c.present, c.removed, clock_timestamp(), clock_timestamp(), :run
    FROM guard, counted c
    ON CONFLICT (tenant_id) DO UPDATE
    SET delta_link = EXCLUDED.delta_link,
        present = EXCLUDED.present,
        removed = EXCLUDED.removed,
        data_as_of = EXCLUDED.data_as_of,
        last_run = EXCLUDED.last_run,
        full_at = CASE WHEN :full THEN EXCLUDED.full_at ELSE r.full_at END
)
SELECT EXISTS (SELECT 1 FROM guard) AS held
