-- Written by `cargo xtask schema` from runs/find_key.sql.
-- $1 user: uuid
-- $2 key: text
-- returns request_hash: text
-- returns run_id: uuid
-- returns joined: bool
-- returns created_at: timestamptz
-- runs.find_key
--
-- What a key of the last day was used for.
SELECT k.request_hash, k.run_id, k.joined, k.created_at
FROM start_keys k
WHERE k.user_id = $1 AND k.key = $2
    AND k.created_at >= statement_timestamp() - interval '1 day'
