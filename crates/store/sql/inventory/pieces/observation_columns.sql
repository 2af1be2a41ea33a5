        policy_type, external_id, name, category,
        platform, foundation, scope_tags,
        assignment_count, metadata, content_hash,
        assignments_hash, object_links, assignment_links,
        related_links, values_hash, values_mark, at
