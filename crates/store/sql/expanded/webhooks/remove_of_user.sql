-- Written by `cargo xtask schema` from webhooks/remove_of_user.sql.
-- $1 user: uuid
-- webhooks.remove_of_user
--
-- Removes every endpoint of a user, with its delivery log.
DELETE FROM webhook_endpoints WHERE user_id = $1
