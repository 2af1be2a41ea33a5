-- Written by `cargo xtask schema` from access/find_token.sql.
-- $1 hash: bytea
-- returns id: uuid
-- returns user_id: uuid
-- returns email: text
-- returns display_name: text
-- returns is_operator: bool
-- returns revoked: bool
-- returns expired: bool
-- access.find_token
--
-- The user of a token, and whether the token or the user has ended.
SELECT k.id, k.user_id, u.email, u.display_name, u.is_operator,
    (k.revoked_at IS NOT NULL OR u.disabled_at IS NOT NULL) AS revoked,
    coalesce(k.expires_at <= statement_timestamp(), false) AS expired
FROM api_tokens k
    JOIN users u ON u.id = k.user_id
WHERE k.token_hash = $1
