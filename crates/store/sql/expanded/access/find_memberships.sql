-- Written by `cargo xtask schema` from access/find_memberships.sql.
-- $1 users: _uuid
-- $2 tenants: _uuid
-- returns user_id: uuid
-- returns tenant_id: uuid
-- access.find_memberships
--
-- Which of these users belong to which of these tenants, pair by pair.
SELECT m.user_id, m.tenant_id
FROM unnest($1::uuid[], $2::uuid[]) AS p(user_id, tenant_id)
    JOIN memberships m ON m.user_id = p.user_id AND m.tenant_id = p.tenant_id
