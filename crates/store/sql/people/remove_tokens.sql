-- people.remove_tokens
--
-- Removes every token of a user: their names are the user's own words.
DELETE FROM api_tokens WHERE user_id = :user
