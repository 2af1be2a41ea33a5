-- Follows `owned`: raises the fences and ends the runs. A run that was asked to stop ends as
-- cancelled, even when its last work was quicker: whoever was promised that can rely on it. One run
-- may be asked for twice, by the owner and by a worker that lost it: the attempt says whose it is.
fenced AS (
    UPDATE tenant_fences f
    SET fence = f.fence + 1, token = NULL
    FROM owned o
    WHERE f.tenant_id = o.tenant_id AND f.scope = o.scope
    RETURNING o.id
),
changed AS (
    UPDATE operation_runs r
    SET status = 'completed', counts = a.counts,
        outcome = CASE WHEN r.cancel_requested_at IS NULL THEN a.outcome ELSE 'cancelled' END,
        error = CASE WHEN r.cancel_requested_at IS NULL THEN a.error END,
        progress = coalesce(a.progress, r.progress),
        completed_at = clock_timestamp(),
\ir runs/pieces/no_lease.sql
    FROM fenced JOIN asked a ON a.id = fenced.id
    WHERE r.id = fenced.id AND r.attempt = a.attempt AND r.status = :'source'
    RETURNING r.id, r.tenant_id, r.lock_scope, r.initiator_id, r.attempt, r.event_seq, r.status,
        r.outcome, r.error, a.event, a.notification_id, a.title, a.body, a.cancelled_title,
        a.cancelled_body, a.audit_id
),
message AS (
    SELECT c.id AS run_id, c.event, c.notification_id, c.title, c.body, c.cancelled_title,
        c.cancelled_body, c.audit_id
    FROM changed c
),
\ir runs/pieces/recorded.sql
SELECT c.id, c.attempt, c.outcome,
    (SELECT n.id FROM operation_runs n
        WHERE n.tenant_id = c.tenant_id AND n.lock_scope = c.lock_scope AND n.status = 'queued'
            AND n.not_before <= statement_timestamp()
        ORDER BY n.priority DESC, n.created_at LIMIT 1) AS next
FROM changed c
