-- Written by `cargo xtask schema` from webhooks/hold_owner.sql.
-- $1 user: uuid
-- returns enabled: bool
-- webhooks.hold_owner
--
-- Locks a user's row, so that nobody else makes an endpoint for them before the end of the transaction.
SELECT (u.disabled_at IS NULL) AS enabled FROM users u WHERE u.id = $1 FOR NO KEY UPDATE
