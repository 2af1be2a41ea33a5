-- webhooks.release
--
-- Ends a lease with more to be sent: others get their turn.
UPDATE webhook_endpoints e
SET lease_token = NULL, lease_expires_at = NULL
WHERE e.id = :endpoint AND e.lease_token = :token
