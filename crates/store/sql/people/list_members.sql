-- people.list_members
--
-- The members of a tenant.
SELECT u.id, u.email, u.display_name, m.role, u.disabled_at, m.created_at
FROM memberships m
    JOIN users u ON u.id = m.user_id
WHERE m.tenant_id = :tenant
ORDER BY lower(u.email), u.id
