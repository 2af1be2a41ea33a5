-- people.set_disabled
--
-- Disables a user, or enables one again.
UPDATE users SET disabled_at = CASE WHEN :disabled THEN clock_timestamp() END WHERE id = :user
