-- Written by `cargo xtask schema` from system/prune_changes.sql.
-- $1 age_ms: int8
-- $2 batch: int8
-- system.prune_changes
--
-- Deletes a batch of old recorded changes. Each tenant's part of the primary key is asked for its
-- first entries.
WITH old AS (
    SELECT oldest.place
    FROM tenants t
        CROSS JOIN LATERAL (
            SELECT c.ctid AS place
            FROM inventory_changes c
            WHERE c.tenant_id = t.id
                AND c.occurred_at
                    < statement_timestamp() - $1::bigint * interval '1 millisecond'
            ORDER BY c.occurred_at, c.id
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        ) oldest
    LIMIT $2
)
DELETE FROM inventory_changes d
WHERE d.ctid = ANY (ARRAY(SELECT place FROM old))
