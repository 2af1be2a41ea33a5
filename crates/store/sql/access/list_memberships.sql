-- access.list_memberships
--
-- The tenants in which the user has a place, with the role in each.
SELECT m.tenant_id, m.role
FROM memberships m
WHERE m.user_id = :user
ORDER BY m.tenant_id
LIMIT :most
