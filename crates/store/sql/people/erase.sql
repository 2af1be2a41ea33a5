-- people.erase
--
-- Replaces a user's name and address by a pseudonym. The user is disabled and no operator.
UPDATE users
SET email = :pseudonym, display_name = :pseudonym, is_operator = false,
    disabled_at = coalesce(disabled_at, clock_timestamp()), erased_at = clock_timestamp()
WHERE id = :user
