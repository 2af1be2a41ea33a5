-- Written by `cargo xtask schema` from people/remove_member.sql.
-- $1 user: uuid
-- $2 tenant: uuid
-- people.remove_member
--
-- Ends a membership.
DELETE FROM memberships WHERE user_id = $1 AND tenant_id = $2
