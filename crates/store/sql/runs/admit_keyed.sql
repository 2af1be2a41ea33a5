-- runs.admit_keyed
--
-- What `runs.admit` does, for a start with a key: the key's row is written first, and only who wrote it
-- records or joins a run. A second request with the key waits until the first one has committed, and
-- returns no row. The row names the run that is active, or the proposed one: who lost the race for it
-- corrects that with `runs.correct_key`. A key that is a day old is free, and so is one whose run is
-- gone: that is not asked of a key that was written after this statement began to look.
WITH candidate AS (
    SELECT t.id AS tenant_id, t.name
    FROM memberships m
        JOIN tenants t ON t.id = m.tenant_id
        JOIN users i ON i.id = m.user_id
        JOIN tenant_credentials k ON k.tenant_id = t.id
    WHERE m.user_id = :initiator AND m.tenant_id = :tenant AND m.role = ANY (:roles)
        AND i.disabled_at IS NULL AND t.enabled
),
standing AS (
    SELECT r.id
    FROM candidate c JOIN operation_runs r ON r.tenant_id = c.tenant_id
    WHERE r.kind = :kind AND r.identity = :identity AND r.status IN ('queued', 'running')
),
keyed AS (
    INSERT INTO start_keys AS k (user_id, key, request_hash, run_id, joined)
    SELECT :initiator, :key, :request_hash, coalesce((SELECT s.id FROM standing s), :run),
        EXISTS (SELECT 1 FROM standing)
    FROM candidate
    ON CONFLICT (user_id, key) DO UPDATE
    SET request_hash = EXCLUDED.request_hash, run_id = EXCLUDED.run_id, joined = EXCLUDED.joined,
        created_at = clock_timestamp()
    WHERE k.created_at < statement_timestamp() - interval '1 day'
        OR (k.created_at < statement_timestamp() - interval '1 minute'
            AND NOT EXISTS (SELECT 1 FROM operation_runs g WHERE g.id = k.run_id))
    RETURNING k.user_id
),
permitted AS (
    SELECT c.tenant_id, c.name FROM candidate c WHERE EXISTS (SELECT 1 FROM keyed)
),
\ir runs/pieces/admitted.sql
\ir runs/pieces/admission.sql
