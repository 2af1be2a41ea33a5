-- Running the installation: who operates it, which workers there are, which kinds are held, and
-- what is old enough to go.

ALTER TABLE users ADD COLUMN is_operator boolean NOT NULL DEFAULT false;

-- Each worker process tells of itself at every sweep, and is forgotten when it stops cleanly.
CREATE TABLE workers (
    id           text PRIMARY KEY,
    version      text NOT NULL,
    host         text NOT NULL,
    slots        integer NOT NULL CHECK (slots > 0),
    draining     boolean NOT NULL DEFAULT false,
    started_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

-- A row stands here exactly while claims of its kind are paused.
CREATE TABLE queue_controls (
    kind      text PRIMARY KEY,
    paused_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    paused_by text NOT NULL CHECK (paused_by <> ''),
    reason    text
);

-- Retention looks for the oldest rows. The two logs grow in the order of time, so that a few pages
-- of a block range index find them; nothing that a heartbeat writes is in the index of runs.
CREATE INDEX operation_runs_completed ON operation_runs (completed_at) WHERE status = 'completed';
CREATE INDEX notifications_created ON notifications USING brin (created_at);
CREATE INDEX audit_events_occurred ON audit_events USING brin (occurred_at);

-- The audit log is append-only in both directions. The one exception is retention: it says so, for
-- the length of its own transaction, by SET LOCAL atlas.retention = 'on'. Whoever removes a tenant
-- with all of its history by hand has to say the same.
CREATE FUNCTION audit_events_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('atlas.retention', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION 'audit events are deleted by retention only';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER audit_events_kept BEFORE DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_are_kept();
