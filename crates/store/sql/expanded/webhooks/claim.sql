-- Written by `cargo xtask schema` from webhooks/claim.sql.
-- $1 most: int8
-- $2 token: uuid
-- $3 lease_ms: int8
-- returns id: uuid
-- webhooks.claim
--
-- Leases endpoints that have something to be sent, those first that were served least recently: a request
-- of the owner, or an event while no wait is under way. Users and memberships are looked at each time, so
-- that whoever loses access gets nothing more.
--
-- Endpoints of disabled users are disabled. One that nothing in the log was for, and whose place is far
-- behind, is moved to the end of the log. Of one that the log has left behind, the delivery log says so,
-- and it goes on with the oldest event that is kept.
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
due AS MATERIALIZED (
    SELECT e.id, e.position, (e.position < l.kept_after) AS behind, l.kept_after
    FROM webhook_endpoints e
        JOIN users u ON u.id = e.user_id AND u.disabled_at IS NULL
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
    WHERE e.disabled_at IS NULL
        AND (e.lease_expires_at IS NULL OR e.lease_expires_at <= statement_timestamp())
        AND (
            (v.id IS NOT NULL AND e.next_at <= statement_timestamp())
            OR EXISTS (SELECT FROM webhook_requests r WHERE r.endpoint_id = e.id)
        )
    ORDER BY e.served_at, e.id
    LIMIT $1
    FOR UPDATE OF e SKIP LOCKED
),
claimed AS (
    UPDATE webhook_endpoints e
    SET lease_token = $2, lease_expires_at = clock_timestamp() + $3::bigint * interval '1 millisecond',
        served_at = clock_timestamp(), position = greatest(e.position, d.kept_after)
    FROM due d
    WHERE e.id = d.id
    RETURNING e.id
),
gaps AS (
    INSERT INTO webhook_deliveries (id, endpoint_id, cause, attempt, outcome, detail, took_ms)
    SELECT gen_random_uuid(), d.id, 'gap', 0, 'skipped', 'events that were older than the log keeps were not sent', 0
    FROM due d
    WHERE d.behind
),
abandoned AS (
    UPDATE webhook_endpoints e
    SET disabled_at = clock_timestamp(), disable_reason = 'owner_disabled', lease_token = NULL,
        lease_expires_at = NULL
    FROM users u
    WHERE u.id = e.user_id AND u.disabled_at IS NOT NULL AND e.disabled_at IS NULL
    RETURNING e.id, e.user_id, e.tenant_id
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, detail)
    SELECT gen_random_uuid(), a.tenant_id, 'worker', a.user_id, 'webhook.disabled', 'webhook', a.id::text,
        'failed', jsonb_build_object('reason', 'owner_disabled'::text)
    FROM abandoned a
),
passed AS (
    UPDATE webhook_endpoints e
    SET position = n.last_position
    FROM (
        SELECT e.id, l.last_position
        FROM webhook_endpoints e
            JOIN users u ON u.id = e.user_id AND u.disabled_at IS NULL
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
        WHERE e.disabled_at IS NULL AND e.lease_token IS NULL AND v.id IS NULL
            AND e.position + '500'::bigint < l.last_position
            AND NOT EXISTS (SELECT FROM webhook_requests r WHERE r.endpoint_id = e.id)
        FOR UPDATE OF e SKIP LOCKED
    ) n
    WHERE e.id = n.id
)
SELECT c.id FROM claimed c
