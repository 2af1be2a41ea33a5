-- people.remove
--
-- Removes a user; tokens, memberships and notifications go by their foreign keys.
DELETE FROM users WHERE id = :user
