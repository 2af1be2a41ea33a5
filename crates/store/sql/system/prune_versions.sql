-- system.prune_versions
--
-- Deletes a batch of old versions of items of which enough later ones are kept, and bodies that no
-- other version has. Returns how many versions. A body that a sync refers to meanwhile is locked by
-- it, and stays.
WITH old AS (
    SELECT oldest.*
    FROM tenants t
        CROSS JOIN LATERAL (
            SELECT v.item_id, v.number
            FROM inventory_versions v
            WHERE v.tenant_id = t.id AND v.prunable
                AND v.valid_to
                    < statement_timestamp() - :age_ms::bigint * interval '1 millisecond'
            ORDER BY v.valid_to
            LIMIT :batch
            FOR UPDATE SKIP LOCKED
        ) oldest
    LIMIT :batch
),
deleted AS (
    DELETE FROM inventory_versions d
    USING old o
    WHERE d.item_id = o.item_id AND d.number = o.number
    RETURNING d.tenant_id, d.item_id, d.number, d.content_hash, d.values_hash,
        d.assignments_hash
),
unused AS (
    SELECT y.tenant_id, y.hash
    FROM inventory_bodies y
    WHERE (y.tenant_id, y.hash) IN (
            SELECT d.tenant_id, d.content_hash FROM deleted d
            UNION
            SELECT d.tenant_id, d.values_hash FROM deleted d
            UNION
            SELECT d.tenant_id, d.assignments_hash FROM deleted d
        )
        AND NOT EXISTS (
            SELECT 1
            FROM inventory_versions v
            WHERE v.tenant_id = y.tenant_id AND v.content_hash = y.hash
                AND (v.item_id, v.number) NOT IN (SELECT d.item_id, d.number FROM deleted d)
        )
        AND NOT EXISTS (
            SELECT 1
            FROM inventory_versions v
            WHERE v.tenant_id = y.tenant_id AND v.values_hash = y.hash
                AND (v.item_id, v.number) NOT IN (SELECT d.item_id, d.number FROM deleted d)
        )
        AND NOT EXISTS (
            SELECT 1
            FROM inventory_versions v
            WHERE v.tenant_id = y.tenant_id AND v.assignments_hash = y.hash
                AND (v.item_id, v.number) NOT IN (SELECT d.item_id, d.number FROM deleted d)
        )
    FOR UPDATE SKIP LOCKED
),
freed AS (
    DELETE FROM inventory_bodies y
    USING unused u
    WHERE y.tenant_id = u.tenant_id AND y.hash = u.hash
)
SELECT count(*) AS count FROM deleted
