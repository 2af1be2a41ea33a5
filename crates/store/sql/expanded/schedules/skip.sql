-- Written by `cargo xtask schema` from schedules/skip.sql.
-- $1 tenant: uuid
-- $2 set_at: timestamptz
-- $3 due: timestamptz
-- $4 latest: timestamptz
-- $5 next: timestamptz
-- $6 reason: text
-- returns count: int8
-- schedules.skip
--
-- Moves a schedule on without a run.
WITH
-- The schedule, unless it was set anew, another worker saw to its due time, or one is about to.
held AS (
    SELECT s.tenant_id, s.set_by
    FROM tenant_schedules s
    WHERE s.tenant_id = $1 AND s.set_at = $2 AND s.next_due_at = $3
        AND s.next_due_at <= statement_timestamp()
    FOR UPDATE SKIP LOCKED
),
skipped AS (
    UPDATE tenant_schedules s
    SET next_due_at = $5, skipped_due_at = $4, skip_reason = $6
    FROM held h
    WHERE s.tenant_id = h.tenant_id
    RETURNING 1
)
SELECT count(*) AS count FROM skipped
