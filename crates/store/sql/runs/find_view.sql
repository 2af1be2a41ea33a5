-- runs.find_view
--
-- A run of a tenant that the user belongs to, with the user's role there. Front ends ask for it again
-- and again while it runs: the plan is always the same, and is kept.
SELECT
\ir runs/pieces/columns.sql
    , m.role
FROM operation_runs r
    JOIN memberships m ON m.tenant_id = r.tenant_id AND m.user_id = :user
    JOIN tenants t ON t.id = r.tenant_id
    JOIN users u ON u.id = r.initiator_id
WHERE r.id = :run
