-- Written by `cargo xtask schema` from runs/find_refusal.sql.
-- $1 tenant: uuid
-- $2 user: uuid
-- returns role: text
-- returns enabled: bool
-- returns connected: bool
-- returns disabled: bool
-- runs.find_refusal
--
-- Why runs.admit returned no row.
SELECT m.role, t.enabled, (k.tenant_id IS NOT NULL) AS connected,
    (u.disabled_at IS NOT NULL) AS disabled
FROM memberships m
    JOIN tenants t ON t.id = m.tenant_id
    JOIN users u ON u.id = m.user_id
    LEFT JOIN tenant_credentials k ON k.tenant_id = t.id
WHERE m.user_id = $2 AND m.tenant_id = $1
