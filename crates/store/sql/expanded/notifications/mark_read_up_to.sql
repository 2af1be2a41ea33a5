-- Written by `cargo xtask schema` from notifications/mark_read_up_to.sql.
-- $1 notification: uuid
-- $2 user: uuid
-- returns found: bool
-- returns marked: int8
-- notifications.mark_read_up_to
--
-- Marks a notification and all older ones of its user. What arrives meanwhile stays unread.
WITH mark AS (
    SELECT created_at, id FROM notifications WHERE id = $1 AND user_id = $2
),
marked AS (
    UPDATE notifications n
    SET read_at = clock_timestamp()
    FROM mark
    WHERE n.user_id = $2 AND n.read_at IS NULL
        AND (n.created_at, n.id) <= (mark.created_at, mark.id)
    RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM mark) AS found, (SELECT count(*) FROM marked) AS marked
