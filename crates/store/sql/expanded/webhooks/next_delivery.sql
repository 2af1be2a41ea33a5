-- Written by `cargo xtask schema` from webhooks/next_delivery.sql.
-- $1 endpoint: uuid
-- $2 token: uuid
-- $3 lease_ms: int8
-- returns request_id: uuid
-- returns event_id: uuid
-- returns position: int8
-- returns mark: int8
-- returns event_type: text
-- returns occurred_at: timestamptz
-- returns tenant_id: uuid
-- returns run_id: uuid
-- returns data: jsonb
-- returns url: text
-- returns public_url: text
-- returns key_id: text
-- returns secret: bytea
-- returns failures: int4
-- returns failing_since: timestamptz
-- returns previous_key_id: text
-- returns previous_secret: bytea
-- webhooks.next_delivery
--
-- What is to be sent to an endpoint next, with what it is sent and signed with, and the lease renewed. A
-- request of the owner comes first; an event, once the wait is over. Requests for events that are not kept
-- any more, or not the user's any more, are dropped. Nothing to be sent ends the lease, and then
-- everything in the log up to its end is seen to. No row when the lease was lost or has ended.
WITH
-- The position after which the log is kept, and its last one.
log AS MATERIALIZED (
    SELECT
        (
            SELECT n.last_position FROM event_numberings n ORDER BY n.last_position LIMIT 1
        ) AS kept_after,
        (
            SELECT n.last_position FROM event_numberings n ORDER BY n.last_position DESC LIMIT 1
        ) AS last_position
),
held AS MATERIALIZED (
    SELECT e.*
    FROM webhook_endpoints e
        JOIN users u ON u.id = e.user_id AND u.disabled_at IS NULL
    WHERE e.id = $1 AND e.lease_token = $2 AND e.disabled_at IS NULL
    FOR UPDATE OF e
),
requested AS MATERIALIZED (
    SELECT r.id, r.event_id, r.created_at, r.position AS place, v.*,
        (r.position IS NULL OR v.position IS NOT NULL) AS good
    FROM held e
        JOIN webhook_requests r ON r.endpoint_id = e.id
        LEFT JOIN LATERAL (
            SELECT v.position, v.mark, v.event_type, v.occurred_at, v.tenant_id, v.run_id, v.data
            FROM events v
            WHERE v.position = r.position AND v.id = r.event_id
                AND EXISTS (
                    SELECT FROM memberships m
                    WHERE m.user_id = e.user_id AND m.tenant_id = v.tenant_id
                )
        ) v ON true
),
dropped AS (
    DELETE FROM webhook_requests d USING requested r WHERE d.id = r.id AND NOT r.good
),
found AS MATERIALIZED (
    SELECT * FROM (
        SELECT 0 AS turn, r.created_at AS since, r.id AS request_id, r.event_id, r.position, r.mark,
            r.event_type, coalesce(r.occurred_at, r.created_at) AS occurred_at, r.tenant_id, r.run_id,
            r.data
        FROM requested r
        WHERE r.good
        UNION ALL
        SELECT 1, NULL, NULL, v.id, v.position, v.mark, v.event_type, v.occurred_at, v.tenant_id,
            v.run_id, v.data
        FROM held e
            CROSS JOIN log l
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
        WHERE v.id IS NOT NULL AND e.next_at <= statement_timestamp()
    ) f
    ORDER BY f.turn, f.since, f.request_id
    LIMIT 1
),
renewed AS (
    UPDATE webhook_endpoints e
    SET lease_expires_at = clock_timestamp() + $3::bigint * interval '1 millisecond'
    FROM held h, found f
    WHERE e.id = h.id
),
released AS (
    UPDATE webhook_endpoints e
    SET lease_token = NULL, lease_expires_at = NULL,
        position = CASE
            WHEN h.next_at <= statement_timestamp() THEN greatest(e.position, l.last_position)
            ELSE e.position
        END
    FROM held h CROSS JOIN log l
    WHERE e.id = h.id AND NOT EXISTS (SELECT FROM found)
)
SELECT f.request_id, f.event_id, f.position, f.mark, f.event_type, f.occurred_at, f.tenant_id, f.run_id,
    f.data, h.url, h.public_url, h.key_id, h.secret, h.failures, h.failing_since,
    p.previous_key_id, p.previous_secret
FROM found f
    CROSS JOIN held h
    LEFT JOIN LATERAL (
        SELECT h.previous_key_id, h.previous_secret WHERE h.previous_until > statement_timestamp()
    ) p ON true
