-- Written by `cargo xtask schema` from system/notice_secret_ends.sql.
-- $1 most: int8
-- $2 title: text
-- $3 body: text
-- returns count: int8
-- system.notice_secret_ends
--
-- Notifies the owners of tenants whose client secret ends within so many days, once for each end, and
-- writes the events of it. A secret that another worker is about to notice is left to it.
WITH due AS (
    SELECT c.tenant_id, c.expires_on, t.name
    FROM tenant_credentials c
        JOIN tenants t ON t.id = c.tenant_id
    WHERE t.enabled AND c.kind = 'client_secret'
        AND c.expires_on <= (statement_timestamp() AT TIME ZONE 'UTC')::date + '30'::integer
        AND c.end_noticed IS DISTINCT FROM c.expires_on
    ORDER BY c.expires_on, c.tenant_id
    LIMIT $1
    FOR UPDATE OF c SKIP LOCKED
),
noticed AS (
    UPDATE tenant_credentials c
    SET end_noticed = d.expires_on
    FROM due d
    WHERE c.tenant_id = d.tenant_id
    RETURNING c.tenant_id, d.expires_on, d.name
),
notice AS (
    INSERT INTO tenant_notices (id, user_id, tenant_id, kind, title, body)
    SELECT gen_random_uuid(), m.user_id, n.tenant_id, 'credential_expiring',
        replace(replace($2, '{tenant}', n.name), '{day}', n.expires_on::text),
        replace(replace($3, '{tenant}', n.name), '{day}', n.expires_on::text)
    FROM noticed n
        JOIN memberships m ON m.tenant_id = n.tenant_id AND m.role = 'owner'
        JOIN users u ON u.id = m.user_id AND u.disabled_at IS NULL
    RETURNING id, user_id, tenant_id, kind
),
-- Follows `notice`, the new notifications that are about no run: their events.
notified AS (
    INSERT INTO pending_events (id, event_type, tenant_id, user_id, personal, data)
    SELECT event_id(statement_timestamp(), 'notification ' || n.id), 'notification.created', n.tenant_id,
        n.user_id, true, jsonb_build_object('notification_id', n.id, 'phase', n.kind)
    FROM notice n
),
happened AS (
    INSERT INTO pending_events (id, event_type, tenant_id, data)
    SELECT event_id(statement_timestamp(), 'secret ' || n.tenant_id || ' ' || n.expires_on),
        'credential.expiring', n.tenant_id, jsonb_build_object('expires_on', n.expires_on)
    FROM noticed n
)
SELECT count(*) AS count FROM noticed
