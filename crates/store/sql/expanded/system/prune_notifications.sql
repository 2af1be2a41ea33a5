-- Written by `cargo xtask schema` from system/prune_notifications.sql.
-- $1 age_ms: int8
-- $2 batch: int8
-- system.prune_notifications
--
-- Deletes a batch of old notifications. Each user's index by time is asked for its first entries: an
-- index by time alone would have to be kept by every start, for a statement that runs now and then.
-- Those that are about no run are few, and read whole.
WITH old AS (
    SELECT oldest.id
    FROM users u
        CROSS JOIN LATERAL (
            SELECT n.id
            FROM notifications n
            WHERE n.user_id = u.id
                AND n.created_at
                    < statement_timestamp() - $1::bigint * interval '1 millisecond'
            ORDER BY n.created_at, n.id
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        ) oldest
    LIMIT $2
),
old_notices AS (
    DELETE FROM tenant_notices d
    WHERE d.id = ANY (ARRAY(
        SELECT n.id
        FROM tenant_notices n
        WHERE n.created_at < statement_timestamp() - $1::bigint * interval '1 millisecond'
        LIMIT $2
        FOR UPDATE SKIP LOCKED
    ))
)
DELETE FROM notifications d
WHERE d.id = ANY (ARRAY(SELECT id FROM old))
