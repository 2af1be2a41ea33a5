-- Written by `cargo xtask schema` from webhooks/release.sql.
-- $1 endpoint: uuid
-- $2 token: uuid
-- webhooks.release
--
-- Ends a lease with more to be sent: others get their turn.
UPDATE webhook_endpoints e
SET lease_token = NULL, lease_expires_at = NULL
WHERE e.id = $1 AND e.lease_token = $2
