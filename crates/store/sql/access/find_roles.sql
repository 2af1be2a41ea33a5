-- access.find_roles
--
-- The roles of several members at once, each looked up as by `access.find_membership`, with its place
-- among those that are asked for. `given` is as in `runs.admit_all`.
WITH given AS MATERIALIZED (
    SELECT :users::uuid[] AS users, :tenants::uuid[] AS tenants
)
SELECT m.role, a.place
FROM given g
    CROSS JOIN LATERAL unnest(g.users, g.tenants) WITH ORDINALITY AS a (user_id, tenant_id, place)
    CROSS JOIN LATERAL (
        SELECT m.role FROM memberships m
        WHERE m.user_id = a.user_id AND m.tenant_id = a.tenant_id
        LIMIT 1
    ) m
