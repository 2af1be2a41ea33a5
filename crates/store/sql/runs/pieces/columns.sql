    r.id, r.tenant_id, t.name AS tenant_name, r.kind, r.inputs, r.verify, r.initiator_id,
    u.display_name AS initiator_name, r.retry_of, r.scheduled, r.attempt, r.failures, r.max_failures,
    r.created_at, r.updated_at, r.started_at, r.progress, r.error, r.status, r.outcome,
    r.not_before, r.expires_at, r.wait_reason, r.worker_id, r.heartbeat_at, r.lease_expires_at,
    r.counts, r.completed_at, r.cancel_requested_at, r.cancel_requested_by,
    (SELECT b.display_name FROM users b WHERE b.id = r.cancel_requested_by)
        AS cancel_requested_by_name,
    r.cancel_reason, r.cancel_deadline_at,
    (r.not_before > clock_timestamp()) AS not_due,  -- the row may be younger than the statement
    (r.status = 'queued' AND (  -- one row at most, and no EXISTS, for which all that runs might be read
        SELECT true FROM operation_runs o
        WHERE o.tenant_id = r.tenant_id AND o.lock_scope = r.lock_scope AND o.status = 'running'
    ) IS TRUE) AS tenant_busy,
    (r.status = 'queued' AND EXISTS (
        SELECT 1 FROM queue_controls q WHERE q.kind = r.kind
    )) AS paused,
    r.priority
