-- Written by `cargo xtask schema` from people/remove.sql.
-- $1 user: uuid
-- people.remove
--
-- Removes a user; tokens, memberships and notifications go by their foreign keys.
DELETE FROM users WHERE id = $1
