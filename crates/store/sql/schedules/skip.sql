-- schedules.skip
--
-- Moves a schedule on without a run.
WITH
\ir schedules/pieces/held.sql
skipped AS (
    UPDATE tenant_schedules s
    SET next_due_at = :next, skipped_due_at = :latest, skip_reason = :reason
    FROM held h
    WHERE s.tenant_id = h.tenant_id
    RETURNING 1
)
SELECT count(*) AS count FROM skipped
