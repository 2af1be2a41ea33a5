-- webhooks.any_active
--
-- Whether anything may have to be sent at all.
SELECT EXISTS (SELECT FROM webhook_endpoints e WHERE e.disabled_at IS NULL) AS found
