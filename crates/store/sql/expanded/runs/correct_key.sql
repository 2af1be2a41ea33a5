-- Written by `cargo xtask schema` from runs/correct_key.sql.
-- $1 user: uuid
-- $2 key: text
-- $3 proposed: uuid
-- $4 run: uuid
-- runs.correct_key
--
-- The run that a start with a key joined, where another start recorded it in the same moment.
UPDATE start_keys k
SET run_id = $4, joined = true
WHERE k.user_id = $1 AND k.key = $2 AND k.run_id = $3
