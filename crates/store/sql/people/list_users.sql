-- people.list_users
--
-- Every user, with the number of tenants and of tokens that still work.
SELECT u.id, u.email, u.display_name, u.is_operator, u.disabled_at, u.erased_at, u.created_at,
    (SELECT count(*) FROM memberships m WHERE m.user_id = u.id) AS tenants,
    (SELECT count(*) FROM api_tokens k
        WHERE k.user_id = u.id AND k.revoked_at IS NULL
            AND coalesce(k.expires_at > statement_timestamp(), true)) AS tokens
FROM users u
ORDER BY lower(u.email), u.id
