-- people.revoke_token
--
-- Revokes a token that is not revoked yet.
UPDATE api_tokens SET revoked_at = clock_timestamp()
WHERE id = :token AND revoked_at IS NULL
RETURNING user_id
