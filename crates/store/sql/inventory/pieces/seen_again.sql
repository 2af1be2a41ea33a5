        -- What a reading does not report stays as it stands.
        scope_tags = coalesce(string_to_array(o.scope_tags, E'\x1f'), i.scope_tags),
        assignment_count = coalesce(o.assignment_count, i.assignment_count),
        values_mark = CASE WHEN o.values_hash IS NULL THEN i.values_mark ELSE o.values_mark END,
        values_verified_at = CASE
            WHEN o.values_hash IS NULL THEN i.values_verified_at
            ELSE clock_timestamp()
        END,
        read_from = clock_timestamp() - :reading_ms::bigint * interval '1 millisecond',
        assignments_read_from = CASE
            WHEN o.assignments_hash IS NULL THEN i.assignments_read_from
            ELSE clock_timestamp() - :reading_ms::bigint * interval '1 millisecond'
        END,
        values_read_from = CASE
            WHEN o.values_hash IS NULL THEN i.values_read_from
            ELSE clock_timestamp() - :reading_ms::bigint * interval '1 millisecond'
        END,
        name = o.name,
        category = o.category,
        platform = o.platform,
        foundation = o.foundation,
        metadata = o.metadata,
        last_seen_at = clock_timestamp(),
        fence = :fence,
        last_seen_run = :run
