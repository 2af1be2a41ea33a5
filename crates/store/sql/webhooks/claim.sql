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
\ir webhooks/pieces/log.sql
due AS MATERIALIZED (
    SELECT e.id, e.position, (e.position < l.kept_after) AS behind, l.kept_after
    FROM webhook_endpoints e
        JOIN users u ON u.id = e.user_id AND u.disabled_at IS NULL
        CROSS JOIN log l
\ir webhooks/pieces/next_event.sql
    WHERE e.disabled_at IS NULL
        AND (e.lease_expires_at IS NULL OR e.lease_expires_at <= statement_timestamp())
        AND (
            (v.id IS NOT NULL AND e.next_at <= statement_timestamp())
            OR EXISTS (SELECT FROM webhook_requests r WHERE r.endpoint_id = e.id)
        )
    ORDER BY e.served_at, e.id
    LIMIT :most
    FOR UPDATE OF e SKIP LOCKED
),
claimed AS (
    UPDATE webhook_endpoints e
    SET lease_token = :token, lease_expires_at = clock_timestamp() + :lease_ms::bigint * interval '1 millisecond',
        served_at = clock_timestamp(), position = greatest(e.position, d.kept_after)
    FROM due d
    WHERE e.id = d.id
    RETURNING e.id
),
gaps AS (
    INSERT INTO webhook_deliveries (id, endpoint_id, cause, attempt, outcome, detail, took_ms)
    SELECT gen_random_uuid(), d.id, :'gap', 0, :'skipped', :'gap_detail', 0
    FROM due d
    WHERE d.behind
),
abandoned AS (
    UPDATE webhook_endpoints e
    SET disabled_at = clock_timestamp(), disable_reason = :'owner_disabled', lease_token = NULL,
        lease_expires_at = NULL
    FROM users u
    WHERE u.id = e.user_id AND u.disabled_at IS NOT NULL AND e.disabled_at IS NULL
    RETURNING e.id, e.user_id, e.tenant_id
),
audit AS (
    INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
        outcome, detail)
    SELECT gen_random_uuid(), a.tenant_id, :'actor', a.user_id, :'action', 'webhook', a.id::text,
        'failed', jsonb_build_object('reason', :'owner_disabled'::text)
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
\ir webhooks/pieces/next_event.sql
        WHERE e.disabled_at IS NULL AND e.lease_token IS NULL AND v.id IS NULL
            AND e.position + :'far'::bigint < l.last_position
            AND NOT EXISTS (SELECT FROM webhook_requests r WHERE r.endpoint_id = e.id)
        FOR UPDATE OF e SKIP LOCKED
    ) n
    WHERE e.id = n.id
)
SELECT c.id FROM claimed c
