-- Written by `cargo xtask schema` from people/set_operator.sql.
-- $1 user: uuid
-- $2 operator: bool
-- people.set_operator
--
-- Makes a user an operator of the installation, or one no more.
UPDATE users SET is_operator = $2 WHERE id = $1
