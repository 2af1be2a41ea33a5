-- notifications.mark_read_up_to
--
-- Marks a notification and all older ones of its user. What arrives meanwhile stays unread. Those of
-- tenants that the user left are not shown, and so not marked.
WITH mark AS (
    SELECT n.created_at, n.id
    FROM notifications n
        JOIN memberships m ON m.user_id = n.user_id AND m.tenant_id = n.tenant_id
    WHERE n.id = :notification AND n.user_id = :user
    UNION ALL
    SELECT n.created_at, n.id
    FROM tenant_notices n
        JOIN memberships m ON m.user_id = n.user_id AND m.tenant_id = n.tenant_id
    WHERE n.id = :notification AND n.user_id = :user
),
marked AS (
    UPDATE notifications n
    SET read_at = clock_timestamp()
    FROM mark
    WHERE n.user_id = :user AND n.read_at IS NULL
        AND n.tenant_id IN (SELECT m.tenant_id FROM memberships m WHERE m.user_id = :user)
        AND (n.created_at, n.id) <= (mark.created_at, mark.id)
    RETURNING 1
),
marked_notices AS (
    UPDATE tenant_notices n
    SET read_at = clock_timestamp()
    FROM mark
    WHERE n.user_id = :user AND n.read_at IS NULL
        AND n.tenant_id IN (SELECT m.tenant_id FROM memberships m WHERE m.user_id = :user)
        AND (n.created_at, n.id) <= (mark.created_at, mark.id)
    RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM mark) AS found,
    (SELECT count(*) FROM marked) + (SELECT count(*) FROM marked_notices) AS marked
