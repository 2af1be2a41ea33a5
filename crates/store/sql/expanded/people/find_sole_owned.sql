-- Written by `cargo xtask schema` from people/find_sole_owned.sql.
-- $1 user: uuid
-- $2 tenant: uuid
-- returns name: text
-- people.find_sole_owned
--
-- The tenants, or the one tenant, that would have no owner left without this user. A disabled owner
-- does not count.
SELECT t.name
FROM memberships m
    JOIN tenants t ON t.id = m.tenant_id
    JOIN users u ON u.id = m.user_id
WHERE m.user_id = $1 AND m.role = 'owner' AND u.disabled_at IS NULL
    AND ($2::uuid IS NULL OR m.tenant_id = $2)
    AND NOT EXISTS (
        SELECT 1 FROM memberships o JOIN users w ON w.id = o.user_id
        WHERE o.tenant_id = m.tenant_id AND o.user_id <> m.user_id AND o.role = 'owner'
            AND w.disabled_at IS NULL
    )
ORDER BY t.name
