-- The membership of who changes the schedule, while it permits that.
permitted AS (
    SELECT m.user_id, m.tenant_id
    FROM memberships m JOIN users u ON u.id = m.user_id
    WHERE m.user_id = :user AND m.tenant_id = :tenant AND m.role = ANY (:roles)
        AND u.disabled_at IS NULL
),
