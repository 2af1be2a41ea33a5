-- Follows `e`, an endpoint, and `l`, the end of the log: the next event for the endpoint, if there is one.
-- Those of an endpoint of one tenant are found by an index; of one that is for every tenant, the log is
-- read.
        LEFT JOIN LATERAL (
            (
                SELECT v.*
                FROM events v
                WHERE e.tenant_id IS NOT NULL AND v.tenant_id = e.tenant_id AND NOT v.personal
                    AND v.position > e.position AND v.position <= l.last_position
                    AND (cardinality(e.event_types) = 0 OR v.event_type = ANY (e.event_types))
                    AND EXISTS (
                        SELECT FROM memberships m
                        WHERE m.user_id = e.user_id AND m.tenant_id = v.tenant_id
                    )
                ORDER BY v.position
                LIMIT 1
            )
            UNION ALL
            (
                SELECT v.*
                FROM events v
                WHERE e.tenant_id IS NULL AND NOT v.personal
                    AND v.position > e.position AND v.position <= l.last_position
                    AND (cardinality(e.event_types) = 0 OR v.event_type = ANY (e.event_types))
                    AND EXISTS (
                        SELECT FROM memberships m
                        WHERE m.user_id = e.user_id AND m.tenant_id = v.tenant_id
                    )
                ORDER BY v.position
                LIMIT 1
            )
        ) v ON true
