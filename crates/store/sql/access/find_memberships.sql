-- access.find_memberships
--
-- Which of these users belong to which of these tenants, pair by pair.
SELECT m.user_id, m.tenant_id
FROM unnest(:users::uuid[], :tenants::uuid[]) AS p(user_id, tenant_id)
    JOIN memberships m ON m.user_id = p.user_id AND m.tenant_id = p.tenant_id
