DROP FUNCTION event_id(timestamptz, text);
ALTER TABLE operation_run_events DROP COLUMN position;
DROP TABLE pending_events;
DROP TABLE event_numberings;
DROP TABLE events;
