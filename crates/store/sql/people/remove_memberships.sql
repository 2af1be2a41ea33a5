-- people.remove_memberships
--
-- Ends every membership of a user.
DELETE FROM memberships WHERE user_id = :user
