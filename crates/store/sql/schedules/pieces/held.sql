-- The schedule, unless it was set anew, another worker saw to its due time, or one is about to.
held AS (
    SELECT s.tenant_id, s.set_by
    FROM tenant_schedules s
    WHERE s.tenant_id = :tenant AND s.set_at = :set_at AND s.next_due_at = :due
        AND s.next_due_at <= statement_timestamp()
    FOR UPDATE SKIP LOCKED
),
