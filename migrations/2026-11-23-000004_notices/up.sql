-- What people are told, and what is kept of what they did.

CREATE TABLE notifications (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tenant_id  uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    run_id     uuid NOT NULL REFERENCES operation_runs (id) ON DELETE CASCADE,
    phase      text NOT NULL CHECK (phase IN ('queued', 'terminal')),
    title      text NOT NULL,
    body       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    read_at    timestamptz,
    CONSTRAINT one_per_phase UNIQUE (run_id, user_id, phase)
);
CREATE INDEX notifications_user ON notifications (user_id, created_at DESC, id DESC);
CREATE INDEX notifications_unread ON notifications (user_id, created_at DESC, id DESC)
    WHERE read_at IS NULL;

CREATE TABLE audit_events (
    id          uuid PRIMARY KEY,
    tenant_id   uuid REFERENCES tenants (id) ON DELETE CASCADE,
    actor_kind  text NOT NULL CHECK (actor_kind IN ('user', 'worker', 'installation')),
    actor_id    uuid,                                -- no reference: the entry outlives the user
    action      text NOT NULL,
    target_kind text NOT NULL,
    target_id   text NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('allowed', 'denied', 'failed')),
    request_id  uuid,
    detail      jsonb,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX audit_events_tenant ON audit_events (tenant_id, occurred_at DESC, id DESC);

-- The log is append-only: nobody rewrites what happened. Retention deletes whole rows.
CREATE FUNCTION audit_events_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit events are not changed';
END
$$;
CREATE TRIGGER audit_events_final BEFORE UPDATE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_are_final();
