-- Written by `cargo xtask schema` from webhooks/publish_key.sql.
-- $1 key_id: text
-- $2 public_key: bytea
-- webhooks.publish_key
--
-- Publishes the key that secrets are encrypted for, unless it is published.
INSERT INTO webhook_sealing_key AS k (key_id, public_key)
VALUES ($1, $2)
ON CONFLICT (only_row) DO UPDATE
SET key_id = EXCLUDED.key_id, public_key = EXCLUDED.public_key, set_at = clock_timestamp()
WHERE (k.key_id, k.public_key) IS DISTINCT FROM (EXCLUDED.key_id, EXCLUDED.public_key)
