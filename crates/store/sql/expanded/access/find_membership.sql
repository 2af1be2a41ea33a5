-- Written by `cargo xtask schema` from access/find_membership.sql.
-- $1 user: uuid
-- $2 tenant: uuid
-- returns role: text
-- access.find_membership
SELECT m.role FROM memberships m WHERE m.user_id = $1 AND m.tenant_id = $2
