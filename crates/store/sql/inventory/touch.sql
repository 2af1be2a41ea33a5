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
unchanged AS MATERIALIZED (
    SELECT o.*, i.id, i.assignments_hash AS standing_assignments_hash,
        i.object_links AS standing_object_links,
        i.assignment_links AS standing_assignment_links,
        i.related_links AS standing_related_links, i.values_hash AS standing_values_hash
    FROM observed o
\ir inventory/pieces/standing_item.sql
    WHERE i.content_hash = o.content_hash
        AND (o.assignments_hash IS NULL OR i.assignments_hash = o.assignments_hash)
        AND (o.object_links IS NULL OR i.object_links = o.object_links)
        AND (o.assignment_links IS NULL OR i.assignment_links = o.assignment_links)
        AND (o.related_links IS NULL OR i.related_links = o.related_links)
        AND (o.values_hash IS NULL OR i.values_hash = o.values_hash)
        AND EXISTS (SELECT 1 FROM inventory_contents c WHERE c.item_id = i.id)
),
touched AS (
    UPDATE inventory_items i
    SET
\ir inventory/pieces/seen_again.sql
    FROM unchanged o
        CROSS JOIN guard
    WHERE i.id = o.id AND i.fence <= :fence AND i.missing_since IS NULL
        AND i.content_hash = o.content_hash
        AND i.assignments_hash IS NOT DISTINCT FROM o.standing_assignments_hash
        AND i.object_links IS NOT DISTINCT FROM o.standing_object_links
        AND i.assignment_links IS NOT DISTINCT FROM o.standing_assignment_links
        AND i.related_links IS NOT DISTINCT FROM o.standing_related_links
        AND i.values_hash IS NOT DISTINCT FROM o.standing_values_hash
    RETURNING o.at
)
SELECT o.at FROM observed o WHERE o.at NOT IN (SELECT t.at FROM touched t)
UNION ALL
SELECT NULL FROM guard
