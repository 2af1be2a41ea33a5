-- people.hold
--
-- Locks a user's row, so that nobody else changes what the user may do at the same time.
SELECT u.is_operator, (u.disabled_at IS NOT NULL) AS disabled,
    (u.erased_at IS NOT NULL) AS erased
FROM users u
WHERE u.id = :user
FOR UPDATE
