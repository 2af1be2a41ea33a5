-- Written by `cargo xtask schema` from access/find_roles.sql.
-- $1 users: _uuid
-- $2 tenants: _uuid
-- returns role: text
-- returns place: int8
-- access.find_roles
--
-- The roles of several members at once, each looked up as by `access.find_membership`, with its place
-- among those that are asked for. `given` is as in `runs.admit_all`.
WITH given AS MATERIALIZED (
    SELECT $1::uuid[] AS users, $2::uuid[] AS tenants
)
SELECT m.role, a.place
FROM given g
    CROSS JOIN LATERAL unnest(g.users, g.tenants) WITH ORDINALITY AS a (user_id, tenant_id, place)
    CROSS JOIN LATERAL (
        SELECT m.role FROM memberships m
        WHERE m.user_id = a.user_id AND m.tenant_id = a.tenant_id
        LIMIT 1
    ) m
