-- Written by `cargo xtask schema` from access/list_memberships.sql.
-- $1 user: uuid
-- $2 most: int8
-- returns tenant_id: uuid
-- returns role: text
-- access.list_memberships
--
-- The tenants in which the user has a place, with the role in each.
SELECT m.tenant_id, m.role
FROM memberships m
WHERE m.user_id = $1
ORDER BY m.tenant_id
LIMIT $2
