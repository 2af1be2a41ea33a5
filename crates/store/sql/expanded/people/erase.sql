-- Written by `cargo xtask schema` from people/erase.sql.
-- $1 user: uuid
-- $2 pseudonym: text
-- people.erase
--
-- Replaces a user's name and address by a pseudonym. The user is disabled and no operator.
UPDATE users
SET email = $2, display_name = $2, is_operator = false,
    disabled_at = coalesce(disabled_at, clock_timestamp()), erased_at = clock_timestamp()
WHERE id = $1
