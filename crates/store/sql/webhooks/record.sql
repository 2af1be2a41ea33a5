-- webhooks.record
--
-- What became of an attempt, and where the endpoint goes on. Whoever does not hold the lease any more
-- changes nothing. Delivered, the next event follows, also after a wait: the receiver works. Failed, an
-- event waits, and a request does not come again. Returns no row when the lease was lost.
WITH changed AS (
    UPDATE webhook_endpoints e
    SET position = CASE WHEN :delivered AND :in_order THEN :position ELSE e.position END,
        failures = CASE WHEN :delivered THEN 0 WHEN :in_order THEN e.failures + 1 ELSE e.failures END,
        failing_since = CASE
            WHEN :delivered THEN NULL
            WHEN :in_order THEN coalesce(e.failing_since, clock_timestamp())
            ELSE e.failing_since
        END,
        next_at = CASE
            WHEN :delivered THEN clock_timestamp()
            WHEN :in_order THEN clock_timestamp() + :wait_ms::bigint * interval '1 millisecond'
            ELSE e.next_at
        END,
        disabled_at = CASE WHEN :disable::text IS NOT NULL THEN clock_timestamp() END,
        disable_reason = :disable,
        lease_token = CASE WHEN :keep THEN e.lease_token END,
        lease_expires_at = CASE WHEN :keep THEN e.lease_expires_at END
    WHERE e.id = :endpoint AND e.lease_token = :token AND e.disabled_at IS NULL
    RETURNING e.id, e.next_at
),
sent AS (
    DELETE FROM webhook_requests r USING changed c WHERE r.id = :request AND r.endpoint_id = c.id
),
recorded AS (
    INSERT INTO webhook_deliveries (id, endpoint_id, tenant_id, cause, event_id, event_type, position,
        attempt, outcome, status, detail, took_ms, next_at)
    SELECT :delivery, c.id, t.id, :cause, :event, :event_type, :position, :attempt, :outcome, :status,
        :detail, :took_ms,
        CASE WHEN :in_order AND NOT :delivered AND :disable::text IS NULL THEN c.next_at END
    FROM changed c
        LEFT JOIN tenants t ON t.id = :tenant
)
SELECT count(*) AS count FROM changed
