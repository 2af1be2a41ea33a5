-- runs.hold
--
-- Locks the run's row while it is decided what to do, so that neither a claim nor the end comes in
-- between. Checks the membership again.
SELECT
\ir runs/pieces/columns.sql
FROM operation_runs r
    JOIN tenants t ON t.id = r.tenant_id
    JOIN users u ON u.id = r.initiator_id
WHERE r.id = :run AND r.tenant_id = :tenant
    AND EXISTS (
        SELECT 1 FROM memberships m JOIN users i ON i.id = m.user_id
        WHERE m.user_id = :user AND m.tenant_id = :tenant AND i.disabled_at IS NULL
            AND m.role = ANY (:roles)
    )
FOR UPDATE OF r
