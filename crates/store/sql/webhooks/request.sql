-- webhooks.request
--
-- Asks for an event once more, or for a test, unless too many of the endpoint's requests wait.
INSERT INTO webhook_requests (id, endpoint_id, event_id, position)
SELECT :id, :endpoint, :event, :position
WHERE (SELECT count(*) FROM webhook_requests r WHERE r.endpoint_id = :endpoint) < :most
