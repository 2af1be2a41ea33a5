DROP INDEX operation_runs_due;
CREATE INDEX operation_runs_due ON operation_runs (priority DESC, not_before) WHERE status = 'queued';
ALTER TABLE operation_runs DROP COLUMN served_at;
