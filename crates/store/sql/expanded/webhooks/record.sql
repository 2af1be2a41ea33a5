-- Written by `cargo xtask schema` from webhooks/record.sql.
-- $1 endpoint: uuid
-- $2 token: uuid
-- $3 delivered: bool
-- $4 in_order: bool
-- $5 keep: bool
-- $6 position: int8
-- $7 wait_ms: int8
-- $8 disable: text
-- $9 request: uuid
-- $10 delivery: uuid
-- $11 tenant: uuid
-- $12 cause: text
-- $13 event: uuid
-- $14 event_type: text
-- $15 attempt: int4
-- $16 outcome: text
-- $17 status: int4
-- $18 detail: text
-- $19 took_ms: int4
-- returns count: int8
-- webhooks.record
--
-- What became of an attempt, and where the endpoint goes on. Whoever does not hold the lease any more
-- changes nothing. Delivered, the next event follows, also after a wait: the receiver works. Failed, an
-- event waits, and a request does not come again. Returns no row when the lease was lost.
WITH changed AS (
    UPDATE webhook_endpoints e
    SET position = CASE WHEN $3 AND $4 THEN $6 ELSE e.position END,
        failures = CASE WHEN $3 THEN 0 WHEN $4 THEN e.failures + 1 ELSE e.failures END,
        failing_since = CASE
            WHEN $3 THEN NULL
            WHEN $4 THEN coalesce(e.failing_since, clock_timestamp())
            ELSE e.failing_since
        END,
        next_at = CASE
            WHEN $3 THEN clock_timestamp()
            WHEN $4 THEN clock_timestamp() + $7::bigint * interval '1 millisecond'
            ELSE e.next_at
        END,
        disabled_at = CASE WHEN $8::text IS NOT NULL THEN clock_timestamp() END,
        disable_reason = $8,
        lease_token = CASE WHEN $5 THEN e.lease_token END,
        lease_expires_at = CASE WHEN $5 THEN e.lease_expires_at END
    WHERE e.id = $1 AND e.lease_token = $2 AND e.disabled_at IS NULL
    RETURNING e.id, e.next_at
),
sent AS (
    DELETE FROM webhook_requests r USING changed c WHERE r.id = $9 AND r.endpoint_id = c.id
),
recorded AS (
    INSERT INTO webhook_deliveries (id, endpoint_id, tenant_id, cause, event_id, event_type, position,
        attempt, outcome, status, detail, took_ms, next_at)
    SELECT $10, c.id, t.id, $12, $13, $14, $6, $15, $16, $17,
        $18, $19,
        CASE WHEN $4 AND NOT $3 AND $8::text IS NULL THEN c.next_at END
    FROM changed c
        LEFT JOIN tenants t ON t.id = $11
)
SELECT count(*) AS count FROM changed
