-- webhooks.publish_key
--
-- Publishes the key that secrets are encrypted for, unless it is published.
INSERT INTO webhook_sealing_key AS k (key_id, public_key)
VALUES (:key_id, :public_key)
ON CONFLICT (only_row) DO UPDATE
SET key_id = EXCLUDED.key_id, public_key = EXCLUDED.public_key, set_at = clock_timestamp()
WHERE (k.key_id, k.public_key) IS DISTINCT FROM (EXCLUDED.key_id, EXCLUDED.public_key)
