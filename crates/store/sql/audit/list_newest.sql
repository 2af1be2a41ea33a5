-- audit.list_newest
--
-- The newest entries of a tenant, or those that belong to no tenant, with where requests came from.
-- An index begins with the tenant in both cases.
SELECT a.occurred_at, a.actor_kind, a.actor_id, u.display_name AS actor_name, a.action,
    a.target_kind, a.target_id, a.outcome, a.address, a.user_agent, a.detail
FROM (
    (SELECT * FROM audit_events e
        WHERE e.tenant_id = :tenant
        ORDER BY e.occurred_at DESC, e.id DESC
        LIMIT :limit)
    UNION ALL
    (SELECT * FROM audit_events e
        WHERE e.tenant_id IS NULL AND :tenant::uuid IS NULL
        ORDER BY e.occurred_at DESC, e.id DESC
        LIMIT :limit)
) a
    LEFT JOIN users u ON u.id = a.actor_id
ORDER BY a.occurred_at DESC, a.id DESC
