-- people.remove_notifications
--
-- Removes a batch of a user's notifications.
DELETE FROM notifications d
WHERE d.id = ANY (ARRAY(
    SELECT n.id FROM notifications n WHERE n.user_id = :user LIMIT :batch
))
