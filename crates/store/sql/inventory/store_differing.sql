-- inventory.store_differing
--
-- Stores what is new, differs, was missing, or has other links: the item, its content, the version
-- that ends, what changed, its links and settings, and the counts, all or nothing. Returns a row for each observation that was
-- settled, by its place from 1, and one without a place while the guard holds.
--
-- Old rows are read by the statement's snapshot, and an item is written only while it still is what
-- the snapshot says: the writer loses to another one that came in between, such as an earlier try
-- of its own whose answer was lost on the way. Everything else that is written depends on that
-- write (`settled`), so that no change is recorded twice. What was not settled is looked at again.
WITH
\ir inventory/pieces/guard.sql
-- The time of everything that is written, after a guard that waited for another writer: a version
-- ends when the next one begins.
moment AS MATERIALIZED (
    SELECT clock_timestamp() AS now,
        clock_timestamp() - :reading_ms::bigint * interval '1 millisecond' AS read_from
    FROM guard
),
-- The former hashes are those that versions before would have stored for the same
-- (docs/adr/0003-former-hashes.md).
observed AS (
    SELECT *
    FROM unnest(
        :item_ids::uuid[], :contents::jsonb[], :value_fields::jsonb[], :assignments::jsonb[],
        :former_content_hashes::bytea[], :former_assignments_hashes::bytea[],
\ir inventory/pieces/observation_values.sql
    ) WITH ORDINALITY AS o(
        id, content, value_fields, assignments,
        former_content_hash, former_assignments_hash,
\ir inventory/pieces/observation_columns.sql
    )
),
-- What stands. `kept`: whether its content was kept, which is so but for items of versions that
-- kept none. `other_content` and `other_assignments`: whether the observation differs from it in
-- more than its form. `ends`: whether a new version follows it. `read_before` and so on: when it was
-- read last, so that what differs now happened later; values are not read by every reading.
before AS (
    SELECT o.at, i.id, i.content_hash, i.assignments_hash, i.object_links, i.assignment_links,
        i.related_links, i.values_hash, i.missing_since, i.version, i.version_run,
        greatest(i.changed_at, i.present_since) AS valid_from, i.name, i.platform, i.scope_tags,
        i.assignment_count, i.metadata, coalesce(i.read_from, i.last_seen_at) AS read_before,
        coalesce(i.assignments_read_from, i.read_from, i.last_seen_at) AS assignments_read_before,
        CASE
            WHEN i.values_hash <> o.values_hash
                THEN coalesce(i.values_read_from, i.values_verified_at)
        END AS values_read_before,
        c.item_id IS NOT NULL AS kept, c.content, c.value_fields,
        c.assignments, d.other_content, d.other_assignments,
        d.other_content OR d.other_assignments OR i.missing_since IS NOT NULL AS ends
    FROM observed o
\ir inventory/pieces/standing_item.sql
        LEFT JOIN inventory_contents c ON c.item_id = i.id
        CROSS JOIN LATERAL (
            SELECT i.content_hash <> o.content_hash
                    AND i.content_hash IS DISTINCT FROM o.former_content_hash
                    OR coalesce(i.values_hash <> o.values_hash, false) AS other_content,
                coalesce(i.assignments_hash <> o.assignments_hash, false)
                    AND i.assignments_hash IS DISTINCT FROM o.former_assignments_hash
                    AS other_assignments
        ) d
),
inserted AS (
    INSERT INTO inventory_items AS i
        (id, tenant_id, policy_type, external_id, name, category, platform, foundation, scope_tags,
            assignment_count, metadata, content_hash, assignments_hash, object_links,
            assignment_links, related_links, values_hash, values_mark, values_verified_at,
            first_seen_at, last_seen_at, changed_at, fence, last_seen_run, version_run, read_from,
            assignments_read_from, values_read_from)
    SELECT o.id, :tenant, o.policy_type, o.external_id, o.name, o.category, o.platform,
        o.foundation, coalesce(string_to_array(o.scope_tags, E'\x1f'), '{}'), o.assignment_count,
        o.metadata, o.content_hash, o.assignments_hash, o.object_links, o.assignment_links,
        o.related_links, o.values_hash, CASE WHEN o.values_hash IS NOT NULL THEN o.values_mark END,
        CASE WHEN o.values_hash IS NOT NULL THEN m.now END, m.now, m.now, m.now, :fence, :run, :run,
        m.read_from, CASE WHEN o.assignments_hash IS NOT NULL THEN m.read_from END,
        CASE WHEN o.values_hash IS NOT NULL THEN m.read_from END
    FROM observed o
        CROSS JOIN moment m
    WHERE o.at NOT IN (SELECT b.at FROM before b)
    ON CONFLICT (tenant_id, policy_type, external_id) DO NOTHING
    RETURNING i.id
),
updated AS (
    UPDATE inventory_items i
    SET content_hash = o.content_hash,
        assignments_hash = coalesce(o.assignments_hash, i.assignments_hash),
        object_links = coalesce(o.object_links, i.object_links),
        assignment_links = coalesce(o.assignment_links, i.assignment_links),
        related_links = coalesce(o.related_links, i.related_links),
        values_hash = coalesce(o.values_hash, i.values_hash),
        changed_at = CASE
            WHEN b.other_content OR b.other_assignments THEN m.now
            ELSE i.changed_at
        END,
        version = CASE WHEN b.ends THEN i.version + 1 ELSE i.version END,
        version_run = CASE WHEN b.ends THEN :run ELSE i.version_run END,
        present_since = CASE WHEN b.missing_since IS NOT NULL THEN m.now ELSE i.present_since END,
        missing_since = NULL,
\ir inventory/pieces/seen_again.sql
    FROM before b
        JOIN observed o ON o.at = b.at
        CROSS JOIN moment m
    WHERE i.id = b.id AND i.fence <= :fence AND i.version = b.version
        AND i.content_hash = b.content_hash
        AND i.assignments_hash IS NOT DISTINCT FROM b.assignments_hash
        AND i.object_links IS NOT DISTINCT FROM b.object_links
        AND i.assignment_links IS NOT DISTINCT FROM b.assignment_links
        AND i.related_links IS NOT DISTINCT FROM b.related_links
        AND i.values_hash IS NOT DISTINCT FROM b.values_hash
        AND i.missing_since IS NOT DISTINCT FROM b.missing_since
    RETURNING o.at
),
-- What was written, and what that was to each. Content or assignments that were not known before
-- differ from nothing; those that differ in their form alone are kept anew.
settled AS (
    SELECT o.at, o.id AS item_id, o.policy_type, true AS created, false AS back, false AS changed,
        false AS reassigned, true AS keep
    FROM inserted n
        JOIN observed o ON o.id = n.id
    UNION ALL
    SELECT o.at, b.id, o.policy_type, false, b.missing_since IS NOT NULL, b.other_content,
        b.other_assignments,
        NOT b.kept OR b.content_hash <> o.content_hash
            OR o.assignments_hash IS NOT NULL
                AND o.assignments_hash IS DISTINCT FROM b.assignments_hash
            OR o.values_hash IS NOT NULL AND o.values_hash IS DISTINCT FROM b.values_hash
    FROM updated u
        JOIN observed o ON o.at = u.at
        JOIN before b ON b.at = u.at
),
contents AS (
    INSERT INTO inventory_contents (item_id, content, value_fields, assignments)
    SELECT s.item_id, o.content, coalesce(o.value_fields, b.value_fields),
        coalesce(o.assignments, b.assignments)
    FROM settled s
        JOIN observed o ON o.at = s.at
        LEFT JOIN before b ON b.at = s.at
    WHERE s.keep
    ON CONFLICT (item_id) DO UPDATE
    SET content = EXCLUDED.content, value_fields = EXCLUDED.value_fields,
        assignments = EXCLUDED.assignments
),
-- Versions that ended: when the item was missing, or now.
ended AS (
    SELECT b.*, coalesce(b.missing_since, m.now) AS valid_to,
        CASE WHEN b.content IS NOT NULL THEN b.content_hash END AS content_body,
        CASE WHEN b.value_fields IS NOT NULL THEN b.values_hash END AS values_body,
        CASE WHEN b.assignments IS NOT NULL THEN b.assignments_hash END AS assignments_body
    FROM updated u
        JOIN before b ON b.at = u.at
        CROSS JOIN moment m
    WHERE b.ends
),
-- A body that is there is locked, so that retention does not delete it meanwhile.
bodies AS (
    INSERT INTO inventory_bodies AS y (tenant_id, hash, body)
    SELECT DISTINCT ON (x.hash) :tenant, x.hash, x.body
    FROM ended e
        CROSS JOIN LATERAL (VALUES
            (e.content_body, e.content),
            (e.values_body, e.value_fields),
            (e.assignments_body, e.assignments)
        ) x(hash, body)
    WHERE x.hash IS NOT NULL
    ORDER BY x.hash
    ON CONFLICT (tenant_id, hash) DO UPDATE
    SET hash = EXCLUDED.hash
),
versions AS (
    INSERT INTO inventory_versions
        (item_id, number, tenant_id, name, platform, scope_tags, assignment_count, metadata,
            valid_from, valid_to, run_id, content_hash, values_hash, assignments_hash)
    SELECT e.id, e.version, :tenant, e.name, e.platform, e.scope_tags, e.assignment_count,
        e.metadata, e.valid_from, e.valid_to, e.version_run, e.content_body, e.values_body,
        e.assignments_body
    FROM ended e
),
-- The current version is one of those that are always kept.
outdated AS (
    UPDATE inventory_versions v
    SET prunable = true
    FROM ended e
    WHERE v.item_id = e.id AND v.number = e.version + 1 - :'always_kept'
),
-- Each observation has three ids for its changes. Of differing fields and assignments the first
-- ones are listed and all are counted. What appears on a list was not on it when it was read to its
-- end before; that reading took less than an hour.
changes AS (
    INSERT INTO inventory_changes
        (tenant_id, occurred_at, id, item_id, policy_type, kind, run_id, detail, read_from,
            seen_before)
    SELECT :tenant, m.now, c.id, s.item_id, s.policy_type, c.kind, :run, c.detail, m.read_from,
        CASE c.kind
            WHEN 'changed' THEN least(b.read_before, b.values_read_before)
            WHEN 'reassigned' THEN b.assignments_read_before
            ELSE (
                -- What is back was not there before it was missed.
                SELECT greatest(y.data_as_of - interval '1 hour', b.missing_since)
                FROM inventory_type_summaries y
                WHERE y.tenant_id = :tenant AND y.policy_type = s.policy_type
            )
        END
    FROM settled s
        CROSS JOIN moment m
        JOIN observed o ON o.at = s.at
        LEFT JOIN before b ON b.at = s.at
        CROSS JOIN LATERAL (
            SELECT (:change_ids::uuid[])[3 * s.at - 2] AS id, 'created' AS kind,
                NULL::jsonb AS detail
            WHERE s.created
            UNION ALL
            SELECT (:change_ids::uuid[])[3 * s.at - 2], 'back', NULL
            WHERE s.back
            UNION ALL
            SELECT (:change_ids::uuid[])[3 * s.at - 1], 'changed', CASE WHEN b.kept THEN (
                -- Fields that differ, by pointer. Null is as good as nothing: Graph means the same
                -- by both. Values are compared where both readings have them.
                SELECT jsonb_build_object(
                    'field_count', count(*),
                    'fields', coalesce(
                        jsonb_agg(
                            jsonb_build_object('field', d.field, 'old', d.old, 'new', d.new)
                            ORDER BY d.field
                        ) FILTER (WHERE d.place <= :'most_listed'),
                        '[]'
                    )
                )
                FROM (
                    SELECT coalesce(x.key, y.key) AS field, x.value AS old, y.value AS new,
                        row_number() OVER (ORDER BY coalesce(x.key, y.key)) AS place
                    FROM jsonb_each(
                            CASE
                                WHEN o.value_fields IS NULL THEN b.content
                                ELSE b.content || coalesce(b.value_fields, '{}')
                            END
                        ) x
                        FULL JOIN jsonb_each(
                            CASE
                                WHEN b.value_fields IS NULL THEN o.content
                                ELSE o.content || coalesce(o.value_fields, '{}')
                            END
                        ) y ON y.key = x.key
                    WHERE nullif(x.value, 'null') IS DISTINCT FROM nullif(y.value, 'null')
                ) d
            ) END
            WHERE s.changed
            UNION ALL
            SELECT (:change_ids::uuid[])[3 * s.at], 'reassigned', CASE
                WHEN b.assignments IS NOT NULL AND o.assignments IS NOT NULL THEN (
                -- Assignments that are reported now and were not before, and the other way round.
                SELECT jsonb_build_object(
                    'added_count', count(*) FILTER (WHERE d.added),
                    'added', coalesce(
                        jsonb_agg(d.one ORDER BY d.one)
                            FILTER (WHERE d.added AND d.place <= :'most_listed'),
                        '[]'
                    ),
                    'removed_count', count(*) FILTER (WHERE NOT d.added),
                    'removed', coalesce(
                        jsonb_agg(d.one ORDER BY d.one)
                            FILTER (WHERE NOT d.added AND d.place <= :'most_listed'),
                        '[]'
                    )
                )
                FROM (
                    SELECT e.added, e.one,
                        row_number() OVER (PARTITION BY e.added ORDER BY e.one) AS place
                    FROM (
                        (
                            SELECT true AS added, one FROM jsonb_array_elements(o.assignments) one
                            EXCEPT ALL
                            SELECT true, one FROM jsonb_array_elements(b.assignments) one
                        )
                        UNION ALL
                        (
                            SELECT false, one FROM jsonb_array_elements(b.assignments) one
                            EXCEPT ALL
                            SELECT false, one FROM jsonb_array_elements(o.assignments) one
                        )
                    ) e
                ) d
            ) END
            WHERE s.reassigned
        ) c
),
-- Links with the place of their item among the observations.
reported AS (
    SELECT *
    FROM unnest(
        :link_places::bigint[], :link_ids::uuid[], :link_sources::text[], :link_kinds::text[],
        :link_target_kinds::text[], :link_target_ids::text[], :link_qualifiers::jsonb[]
    ) AS t(at, id, source, kind, target_kind, target_id, qualifier)
),
-- Of each set that differs as a whole, only the links that do are written.
sets AS (
    SELECT s.at, s.item_id, x.source
    FROM settled s
        JOIN observed o ON o.at = s.at
        LEFT JOIN before b ON b.at = s.at
        CROSS JOIN LATERAL (VALUES
            ('object', o.object_links, b.object_links),
            ('assignments', o.assignment_links, b.assignment_links),
            ('related', o.related_links, b.related_links)
        ) x(source, now, stood)
    WHERE x.now IS NOT NULL AND x.now IS DISTINCT FROM x.stood
),
-- OFFSET keeps the planner from reading all links for each batch while there are no statistics.
standing AS (
    SELECT n.at, l.*
    FROM sets n
        CROSS JOIN LATERAL (
            SELECT *
            FROM inventory_links l
            WHERE l.item_id = n.item_id AND l.source = n.source
            OFFSET 0
        ) l
),
unlinked AS (
    DELETE FROM inventory_links l
    USING standing k
    WHERE l.item_id = k.item_id AND l.id = k.id
        AND NOT EXISTS (
            SELECT 1
            FROM reported t
            WHERE t.at = k.at AND t.source = k.source AND t.kind = k.kind
                AND t.target_kind = k.target_kind AND t.target_id = k.target_id
                AND t.qualifier = k.qualifier
        )
),
linked AS (
    INSERT INTO inventory_links
        (item_id, id, tenant_id, source, kind, target_kind, target_id, qualifier)
    SELECT n.item_id, t.id, :tenant, t.source, t.kind, t.target_kind, t.target_id, t.qualifier
    FROM sets n
        JOIN reported t ON t.at = n.at AND t.source = n.source
    WHERE NOT EXISTS (
        SELECT 1
        FROM standing k
        WHERE k.at = t.at AND k.source = t.source AND k.kind = t.kind
            AND k.target_kind = t.target_kind AND k.target_id = t.target_id
            AND k.qualifier = t.qualifier
    )
),
-- Values that differ as a whole: of the settings of their items only those that do are written.
set_anew AS (
    SELECT s.at, s.item_id, o.policy_type, o.value_fields
    FROM settled s
        JOIN observed o ON o.at = s.at
        LEFT JOIN before b ON b.at = s.at
    WHERE o.values_hash IS NOT NULL AND o.values_hash IS DISTINCT FROM b.values_hash
),
set_now AS (
    SELECT n.item_id, n.policy_type, t.place, t.setting_id, t.field, v.value
    FROM unnest(
            :setting_items::bigint[], :setting_places::uuid[], :setting_ids::text[],
            :setting_fields::text[]
        ) AS t(at, place, setting_id, field)
        JOIN set_anew n ON n.at = t.at
        CROSS JOIN LATERAL (SELECT n.value_fields -> t.field AS value OFFSET 0) v
    WHERE v.value IS NOT NULL
),
set_before AS (
    SELECT n.item_id, k.place
    FROM set_anew n
        CROSS JOIN LATERAL (
            SELECT x.place
            FROM inventory_settings x
            WHERE x.item_id = n.item_id
            OFFSET 0
        ) k
),
unset AS (
    DELETE FROM inventory_settings x
    USING set_before k
    WHERE x.item_id = k.item_id AND x.place = k.place
        AND NOT EXISTS (SELECT 1 FROM set_now t WHERE t.item_id = k.item_id AND t.place = k.place)
),
\ir inventory/pieces/settings.sql
-- The summary is right with every page, whatever becomes of the run.
counted AS (
    SELECT s.policy_type,
        count(*) FILTER (WHERE s.created) AS created,
        count(*) FILTER (WHERE s.changed) AS changed,
        count(*) FILTER (WHERE s.reassigned) AS reassigned,
        count(*) FILTER (WHERE s.back) AS back
    FROM settled s
    WHERE s.created OR s.changed OR s.reassigned OR s.back
    GROUP BY s.policy_type
),
summaries AS (
    INSERT INTO inventory_type_summaries AS y (tenant_id, policy_type, present, missing, last_run)
    SELECT :tenant, c.policy_type, c.created + c.back, -c.back, :run
    FROM counted c
    WHERE c.created + c.back > 0
    ORDER BY c.policy_type
    ON CONFLICT (tenant_id, policy_type) DO UPDATE
    SET present = y.present + EXCLUDED.present,
        missing = y.missing + EXCLUDED.missing,
        last_run = EXCLUDED.last_run
),
results AS (
    UPDATE inventory_type_results x
    SET created = x.created + c.created,
        changed = x.changed + c.changed,
        reassigned = x.reassigned + c.reassigned,
        back = x.back + c.back
    FROM counted c
    WHERE x.run_id = :run AND x.policy_type = c.policy_type
)
SELECT s.at, s.created, s.changed, s.reassigned, s.back FROM settled s
UNION ALL
SELECT NULL, false, false, false, false FROM guard
