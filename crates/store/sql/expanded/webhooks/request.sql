-- Written by `cargo xtask schema` from webhooks/request.sql.
-- $1 id: uuid
-- $2 endpoint: uuid
-- $3 event: uuid
-- $4 position: int8
-- $5 most: int8
-- webhooks.request
--
-- Asks for an event once more, or for a test, unless too many of the endpoint's requests wait.
INSERT INTO webhook_requests (id, endpoint_id, event_id, position)
SELECT $1, $2, $3, $4
WHERE (SELECT count(*) FROM webhook_requests r WHERE r.endpoint_id = $2) < $5
