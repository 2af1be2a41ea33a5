-- Written by `cargo xtask schema` from audit/list_newest.sql.
-- $1 tenant: uuid
-- $2 limit: int8
-- returns occurred_at: timestamptz
-- returns actor_kind: text
-- returns actor_id: uuid
-- returns actor_name: text
-- returns action: text
-- returns target_kind: text
-- returns target_id: text
-- returns outcome: text
-- returns address: text
-- returns user_agent: text
-- returns detail: jsonb
-- audit.list_newest
--
-- The newest entries of a tenant, or those that belong to no tenant, with where requests came from.
-- An index begins with the tenant in both cases.
SELECT a.occurred_at, a.actor_kind, a.actor_id, u.display_name AS actor_name, a.action,
    a.target_kind, a.target_id, a.outcome, a.address, a.user_agent, a.detail
FROM (
    (SELECT * FROM audit_events e
        WHERE e.tenant_id = $1
        ORDER BY e.occurred_at DESC, e.id DESC
        LIMIT $2)
    UNION ALL
    (SELECT * FROM audit_events e
        WHERE e.tenant_id IS NULL AND $1::uuid IS NULL
        ORDER BY e.occurred_at DESC, e.id DESC
        LIMIT $2)
) a
    LEFT JOIN users u ON u.id = a.actor_id
ORDER BY a.occurred_at DESC, a.id DESC
