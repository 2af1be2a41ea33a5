-- people.hold_owned
--
-- Locks the tenants that a user owns, and counts them: two owners who are removed at the same time
-- would each count on the other.
WITH held AS (
    SELECT t.id
    FROM tenants t
    WHERE t.id IN (
        SELECT m.tenant_id FROM memberships m WHERE m.user_id = :user AND m.role = 'owner'
    )
    ORDER BY t.id
    FOR NO KEY UPDATE
)
SELECT count(*) AS count FROM held
