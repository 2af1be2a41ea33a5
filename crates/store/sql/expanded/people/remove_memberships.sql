-- Written by `cargo xtask schema` from people/remove_memberships.sql.
-- $1 user: uuid
-- people.remove_memberships
--
-- Ends every membership of a user.
DELETE FROM memberships WHERE user_id = $1
