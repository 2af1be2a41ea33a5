-- Written by `cargo xtask schema` from people/revoke_token.sql.
-- $1 token: uuid
-- returns user_id: uuid
-- people.revoke_token
--
-- Revokes a token that is not revoked yet.
UPDATE api_tokens SET revoked_at = clock_timestamp()
WHERE id = $1 AND revoked_at IS NULL
RETURNING user_id
