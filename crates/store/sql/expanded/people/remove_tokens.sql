-- Written by `cargo xtask schema` from people/remove_tokens.sql.
-- $1 user: uuid
-- people.remove_tokens
--
-- Removes every token of a user: their names are the user's own words.
DELETE FROM api_tokens WHERE user_id = $1
