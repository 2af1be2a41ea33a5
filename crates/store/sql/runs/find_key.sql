-- runs.find_key
--
-- What a key of the last day was used for.
SELECT k.request_hash, k.run_id, k.joined, k.created_at
FROM start_keys k
WHERE k.user_id = :user AND k.key = :key
    AND k.created_at >= statement_timestamp() - interval '1 day'
