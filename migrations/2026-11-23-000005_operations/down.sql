DROP TRIGGER audit_events_kept ON audit_events;
DROP FUNCTION audit_events_are_kept();
DROP INDEX audit_events_occurred;
DROP INDEX notifications_created;
DROP INDEX operation_runs_completed;
DROP TABLE queue_controls;
DROP TABLE workers;
ALTER TABLE users DROP COLUMN is_operator;
