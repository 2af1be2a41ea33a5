-- people.create_token
--
-- Records a token by its hash.
INSERT INTO api_tokens (id, user_id, name, token_hash, last_four, expires_at)
VALUES (:token, :user, :name, :hash, :last_four, :expires_at)
