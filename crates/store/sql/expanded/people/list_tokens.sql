-- Written by `cargo xtask schema` from people/list_tokens.sql.
-- $1 user: uuid
-- returns id: uuid
-- returns email: text
-- returns name: text
-- returns last_four: text
-- returns created_at: timestamptz
-- returns expires_at: timestamptz
-- returns revoked_at: timestamptz
-- returns expired: bool
-- people.list_tokens
--
-- The tokens of a user, or of all users, the newest first.
SELECT k.id, u.email, k.name, k.last_four, k.created_at, k.expires_at, k.revoked_at,
    coalesce(k.expires_at <= statement_timestamp(), false) AS expired
FROM api_tokens k
    JOIN users u ON u.id = k.user_id
WHERE $1::uuid IS NULL OR k.user_id = $1
ORDER BY k.created_at DESC, k.id DESC
