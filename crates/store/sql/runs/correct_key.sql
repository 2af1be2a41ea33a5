-- runs.correct_key
--
-- The run that a start with a key joined, where another start recorded it in the same moment.
UPDATE start_keys k
SET run_id = :run, joined = true
WHERE k.user_id = :user AND k.key = :key AND k.run_id = :proposed
