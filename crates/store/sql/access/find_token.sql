-- access.find_token
--
-- The user of a token, and whether the token or the user has ended.
SELECT k.id, k.user_id, u.email, u.display_name, u.is_operator,
    (k.revoked_at IS NOT NULL OR u.disabled_at IS NOT NULL) AS revoked,
    coalesce(k.expires_at <= statement_timestamp(), false) AS expired
FROM api_tokens k
    JOIN users u ON u.id = k.user_id
WHERE k.token_hash = :hash
