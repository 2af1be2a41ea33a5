-- Written by `cargo xtask schema` from inventory/touch.sql.
-- $1 tenant: uuid
-- $2 scope: text
-- $3 fence: int8
-- $4 token: uuid
-- $5 run: uuid
-- $6 reading_ms: int8
-- $7 policy_types: _text
-- $8 external_ids: _text
-- $9 names: _text
-- $10 categories: _text
-- $11 platforms: _text
-- $12 foundations: _bool
-- $13 scope_tags: _text
-- $14 assignment_counts: _int4
-- $15 metadata: _jsonb
-- $16 content_hashes: _bytea
-- $17 assignments_hashes: _bytea
-- $18 object_links: _bytea
-- $19 assignment_links: _bytea
-- $20 related_links: _bytea
-- $21 values_hashes: _bytea
-- $22 values_marks: _bytea
-- returns at: int8
-- inventory.touch
--
-- Touches items that are there, whose content is kept, and of which the reading reports what
-- stands. Returns the places of the other observations, from 1, and a row without a place while the
-- guard holds.
WITH
-- Holds while the caller's fence is that of the tenant. FOR SHARE makes the check and the write
-- one: whoever takes the run over updates this row, and so waits for our commit or comes first.
guard AS (
    SELECT 1 AS held
    FROM tenant_fences f
    WHERE f.tenant_id = $1 AND f.scope = $2 AND f.fence = $3 AND f.token = $4
    FOR SHARE
),
observed AS (
    SELECT *
    FROM unnest(
        $7::text[], $8::text[], $9::text[], $10::text[],
        $11::text[], $12::boolean[], $13::text[],
        $14::integer[], $15::jsonb[], $16::bytea[],
        $17::bytea[], $18::bytea[], $19::bytea[],
        $20::bytea[],
        $21::bytea[], $22::bytea[]
    ) WITH ORDINALITY AS o(
        policy_type, external_id, name, category,
        platform, foundation, scope_tags,
        assignment_count, metadata, content_hash,
        assignments_hash, object_links, assignment_links,
        related_links, values_hash, values_mark, at
    )
),
unchanged AS MATERIALIZED (
    SELECT o.*, i.id, i.assignments_hash AS standing_assignments_hash,
        i.object_links AS standing_object_links,
        i.assignment_links AS standing_assignment_links,
        i.related_links AS standing_related_links, i.values_hash AS standing_values_hash
    FROM observed o
        -- The item of each observation, looked up by itself (a unique key has one): in a join, the
        -- planner would read all items of the tenant or of the type while a new database has no
        -- statistics of them.
        CROSS JOIN LATERAL (
            SELECT *
            FROM inventory_items k
            WHERE k.tenant_id = $1 AND k.policy_type = o.policy_type
                AND k.external_id = o.external_id
            LIMIT 1
        ) i
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
        -- What a reading does not report stays as it stands.
        scope_tags = coalesce(string_to_array(o.scope_tags, E'\x1f'), i.scope_tags),
        assignment_count = coalesce(o.assignment_count, i.assignment_count),
        values_mark = CASE WHEN o.values_hash IS NULL THEN i.values_mark ELSE o.values_mark END,
        values_verified_at = CASE
            WHEN o.values_hash IS NULL THEN i.values_verified_at
            ELSE clock_timestamp()
        END,
        read_from = clock_timestamp() - $6::bigint * interval '1 millisecond',
        assignments_read_from = CASE
            WHEN o.assignments_hash IS NULL THEN i.assignments_read_from
            ELSE clock_timestamp() - $6::bigint * interval '1 millisecond'
        END,
        values_read_from = CASE
            WHEN o.values_hash IS NULL THEN i.values_read_from
            ELSE clock_timestamp() - $6::bigint * interval '1 millisecond'
        END,
        name = o.name,
        category = o.category,
        platform = o.platform,
        foundation = o.foundation,
        metadata = o.metadata,
        last_seen_at = clock_timestamp(),
        fence = $3,
        last_seen_run = $5
    FROM unchanged o
        CROSS JOIN guard
    WHERE i.id = o.id AND i.fence <= $3 AND i.missing_since IS NULL
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
