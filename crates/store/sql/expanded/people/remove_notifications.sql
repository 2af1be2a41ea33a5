-- Written by `cargo xtask schema` from people/remove_notifications.sql.
-- $1 user: uuid
-- $2 batch: int8
-- people.remove_notifications
--
-- Removes a batch of a user's notifications, and all that are about no run: these are few.
WITH notices AS (
    DELETE FROM tenant_notices d WHERE d.user_id = $1
)
DELETE FROM notifications d
WHERE d.id = ANY (ARRAY(
    SELECT n.id FROM notifications n WHERE n.user_id = $1 LIMIT $2
))
