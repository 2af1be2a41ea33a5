-- Written by `cargo xtask schema` from people/create_token.sql.
-- $1 token: uuid
-- $2 user: uuid
-- $3 name: text
-- $4 hash: bytea
-- $5 last_four: text
-- $6 expires_at: timestamptz
-- people.create_token
--
-- Records a token by its hash.
INSERT INTO api_tokens (id, user_id, name, token_hash, last_four, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
