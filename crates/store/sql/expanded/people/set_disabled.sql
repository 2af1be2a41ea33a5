-- Written by `cargo xtask schema` from people/set_disabled.sql.
-- $1 user: uuid
-- $2 disabled: bool
-- people.set_disabled
--
-- Disables a user, or enables one again.
UPDATE users SET disabled_at = CASE WHEN $2 THEN clock_timestamp() END WHERE id = $1
