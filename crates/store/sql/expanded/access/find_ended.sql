-- Written by `cargo xtask schema` from access/find_ended.sql.
-- $1 tokens: _uuid
-- $2 tenants: _uuid
-- returns place: int8
-- access.find_ended
--
-- The places, from 1, of those questions whose answer is no: whether a token is valid and its user enabled
-- and, where a tenant is named, a member of it.
SELECT q.place
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS q(token_id, tenant_id, place)
    LEFT JOIN api_tokens k ON k.id = q.token_id
        AND k.revoked_at IS NULL
        AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())
    LEFT JOIN users u ON u.id = k.user_id AND u.disabled_at IS NULL
WHERE u.id IS NULL
    OR (q.tenant_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM memberships m
        WHERE m.user_id = u.id AND m.tenant_id = q.tenant_id
    ))
