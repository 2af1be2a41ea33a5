-- people.list_tokens
--
-- The tokens of a user, or of all users, the newest first.
SELECT k.id, u.email, k.name, k.last_four, k.created_at, k.expires_at, k.revoked_at,
    coalesce(k.expires_at <= statement_timestamp(), false) AS expired
FROM api_tokens k
    JOIN users u ON u.id = k.user_id
WHERE :user::uuid IS NULL OR k.user_id = :user
ORDER BY k.created_at DESC, k.id DESC
