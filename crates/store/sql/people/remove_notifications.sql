-- people.remove_notifications
--
-- Removes a batch of a user's notifications, and all that are about no run: these are few.
WITH notices AS (
    DELETE FROM tenant_notices d WHERE d.user_id = :user
)
DELETE FROM notifications d
WHERE d.id = ANY (ARRAY(
    SELECT n.id FROM notifications n WHERE n.user_id = :user LIMIT :batch
))
