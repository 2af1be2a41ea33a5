-- webhooks.remove_of_user
--
-- Removes every endpoint of a user, with its delivery log.
DELETE FROM webhook_endpoints WHERE user_id = :user
