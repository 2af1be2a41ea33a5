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
                    < statement_timestamp() - :age_ms::bigint * interval '1 millisecond'
            ORDER BY c.occurred_at, c.id
            LIMIT :batch
            FOR UPDATE SKIP LOCKED
        ) oldest
    LIMIT :batch
)
DELETE FROM inventory_changes d
WHERE d.ctid = ANY (ARRAY(SELECT place FROM old))
