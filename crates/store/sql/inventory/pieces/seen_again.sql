        -- What a reading does not report stays as it stands.
        scope_tags = coalesce(string_to_array(o.scope_tags, E'\x1f'), i.scope_tags),
        assignment_count = coalesce(o.assignment_count, i.assignment_count),
        values_mark = CASE WHEN o.values_hash IS NULL THEN i.values_mark ELSE o.values_mark END,
        values_verified_at = CASE
            WHEN o.values_hash IS NULL THEN i.values_verified_at
            ELSE clock_timestamp()
        END,
        name = o.name,
        category = o.category,
        platform = o.platform,
        foundation = o.foundation,
        metadata = o.metadata,
        last_seen_at = clock_timestamp(),
        fence = :fence,
        last_seen_run = :run
