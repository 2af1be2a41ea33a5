-- system.prune_start_keys
--
-- Deletes a batch of keys of starts that are older than a day.
DELETE FROM start_keys d
WHERE (d.user_id, d.key) IN (
    SELECT k.user_id, k.key
    FROM start_keys k
    WHERE k.created_at < statement_timestamp() - interval '1 day'
    ORDER BY k.created_at
    LIMIT :batch
    FOR UPDATE SKIP LOCKED
)
