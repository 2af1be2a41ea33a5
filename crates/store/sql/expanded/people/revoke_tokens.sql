-- Written by `cargo xtask schema` from people/revoke_tokens.sql.
-- $1 user: uuid
-- returns id: uuid
-- people.revoke_tokens
--
-- Revokes every token of a user that is not revoked yet.
UPDATE api_tokens SET revoked_at = clock_timestamp()
WHERE user_id = $1 AND revoked_at IS NULL
RETURNING id
