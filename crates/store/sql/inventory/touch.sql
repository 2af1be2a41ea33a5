-- inventory.touch
--
-- Touches items that are there, whose content is kept, and of which the reading reports what
-- stands. Returns the places of the other observations, from 1, and a row without a place while the
-- guard holds.
WITH
\ir inventory/pieces/guard.sql
observed AS (
    SELECT *
    FROM unnest(
\ir inventory/pieces/observation_values.sql
    ) WITH ORDINALITY AS o(
\ir inventory/pieces/observation_columns.sql
    )
),
touched AS (
    UPDATE inventory_items i
    SET
\ir inventory/pieces/seen_again.sql
    FROM observed o
        CROSS JOIN guard
    WHERE i.tenant_id = :tenant AND i.policy_type = o.policy_type
        AND i.external_id = o.external_id AND i.fence <= :fence AND i.missing_since IS NULL
        AND i.content_hash = o.content_hash
        AND (o.assignments_hash IS NULL OR i.assignments_hash = o.assignments_hash)
        AND (o.object_links IS NULL OR i.object_links = o.object_links)
        AND (o.assignment_links IS NULL OR i.assignment_links = o.assignment_links)
        AND (o.related_links IS NULL OR i.related_links = o.related_links)
        AND EXISTS (SELECT 1 FROM inventory_contents c WHERE c.item_id = i.id)
    RETURNING o.at
)
SELECT o.at FROM observed o WHERE o.at NOT IN (SELECT t.at FROM touched t)
UNION ALL
SELECT NULL FROM guard
