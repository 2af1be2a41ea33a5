-- webhooks.hold_owner
--
-- Locks a user's row, so that nobody else makes an endpoint for them before the end of the transaction.
SELECT (u.disabled_at IS NULL) AS enabled FROM users u WHERE u.id = :user FOR NO KEY UPDATE
