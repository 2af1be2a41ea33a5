-- access.find_membership
SELECT m.role FROM memberships m WHERE m.user_id = :user AND m.tenant_id = :tenant
