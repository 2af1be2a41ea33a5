-- people.set_operator
--
-- Makes a user an operator of the installation, or one no more.
UPDATE users SET is_operator = :operator WHERE id = :user
