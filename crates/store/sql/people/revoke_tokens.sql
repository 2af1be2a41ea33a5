-- people.revoke_tokens
--
-- Revokes every token of a user that is not revoked yet.
UPDATE api_tokens SET revoked_at = clock_timestamp()
WHERE user_id = :user AND revoked_at IS NULL
RETURNING id
