-- The order among tenants as a column of the run, so that an index holds the whole order of claims
-- and the next one is its first entry, however many runs wait.

-- When the tenant was last served, as known when the run was queued, and moved on by each claim of
-- the tenant: whoever was served longest ago goes first.
ALTER TABLE operation_runs ADD COLUMN served_at timestamptz NOT NULL DEFAULT '-infinity';

UPDATE operation_runs r SET served_at = f.served_at FROM tenant_fences f
WHERE f.tenant_id = r.tenant_id AND f.scope = r.lock_scope AND r.status = 'queued';

DROP INDEX operation_runs_due;
CREATE INDEX operation_runs_due ON operation_runs (priority DESC, served_at, created_at, id)
    WHERE status = 'queued';
