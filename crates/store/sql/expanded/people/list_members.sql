-- Written by `cargo xtask schema` from people/list_members.sql.
-- $1 tenant: uuid
-- returns id: uuid
-- returns email: text
-- returns display_name: text
-- returns role: text
-- returns disabled_at: timestamptz
-- returns created_at: timestamptz
-- people.list_members
--
-- The members of a tenant.
SELECT u.id, u.email, u.display_name, m.role, u.disabled_at, m.created_at
FROM memberships m
    JOIN users u ON u.id = m.user_id
WHERE m.tenant_id = $1
ORDER BY lower(u.email), u.id
