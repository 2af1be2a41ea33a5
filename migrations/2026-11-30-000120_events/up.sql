-- The log of events. What happens is written by the transaction that it reports: as an event of a run,
-- or as a pending event. A short statement, run by whoever reads, gives it a position here after that
-- transaction was committed (docs/adr/0015-one-event-log.md).
CREATE TABLE events (
    position    bigint PRIMARY KEY,
    mark        bigint NOT NULL,                     -- of its numbering
    id          uuid NOT NULL,                       -- UUIDv7; the same when it is numbered again
    event_type  text NOT NULL,                       -- such as operation_run.completed
    occurred_at timestamptz NOT NULL,
    tenant_id   uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    run_id      uuid,                                -- the run may be gone
    user_id     uuid,                                -- who started the run, or who is notified
    personal    boolean NOT NULL,                    -- for that user alone
    data        jsonb NOT NULL
);
CREATE INDEX events_tenant ON events (tenant_id, personal, position) INCLUDE (event_type);
CREATE INDEX events_user ON events (user_id, position) INCLUDE (tenant_id, event_type)
    WHERE user_id IS NOT NULL;

-- How far the log was numbered, and when. A position belongs to the first numbering that ends at or
-- after it. The mark is random: after a restore, a position that was given again has another one. The
-- first row is the position after which everything is kept.
CREATE TABLE event_numberings (
    last_position bigint PRIMARY KEY,
    mark          bigint NOT NULL,
    numbered_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO event_numberings (last_position, mark) VALUES (0, 0);

-- What has no row of its own that an event is made of. Numbering takes these rows away.
CREATE TABLE pending_events (
    id          uuid PRIMARY KEY,
    event_type  text NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    tenant_id   uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user_id     uuid,
    personal    boolean NOT NULL DEFAULT false,
    data        jsonb NOT NULL
);
CREATE INDEX pending_events_tenant ON pending_events (tenant_id);

-- The position of a run's event in the log. Null until it is numbered, also for programs that do not
-- name the column; 0 for rows from before there was a log. The rows are not written anew for this.
ALTER TABLE operation_run_events ADD COLUMN position bigint DEFAULT 0;
ALTER TABLE operation_run_events ALTER COLUMN position SET DEFAULT NULL;

-- A UUIDv7 with the time of an event, whose other bits follow from what it is made of.
CREATE FUNCTION event_id(occurred_at timestamptz, source text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM occurred_at) * 1000)::bigint), 12, '0')
        || '7' || substr(h.digits, 1, 3)
        || translate(substr(h.digits, 4, 1), '0123456789abcdef', '89ab89ab89ab89ab')
        || substr(h.digits, 5, 15))::uuid
    FROM (SELECT encode(sha256(convert_to(source, 'UTF8')), 'hex')) h(digits)
$$;
