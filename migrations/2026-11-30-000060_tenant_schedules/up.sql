-- When a tenant is synced by itself. The domain computes due times, workers fire them, and only the
-- database's clock decides that one has come.
CREATE TABLE tenant_schedules (
    tenant_id      uuid PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
    time_of_day    text,                             -- as 02:30; or
    cron           text,                             -- five fields
    zone           text NOT NULL,                    -- IANA name
    jitter_minutes integer NOT NULL,
    catch_up       text NOT NULL CHECK (catch_up IN ('none', 'latest')),
    set_by         uuid NOT NULL REFERENCES users (id),
    set_at         timestamptz NOT NULL DEFAULT clock_timestamp(), -- each time it is set another one
    next_due_at    timestamptz,                      -- none once it stopped
    -- the last time at which a run was started or joined
    last_due_at    timestamptz,
    last_fired_at  timestamptz,
    last_run_id    uuid REFERENCES operation_runs (id) ON DELETE SET NULL,
    -- the last time at which none was
    skipped_due_at timestamptz,
    skip_reason    text CHECK (skip_reason IN ('missed', 'tenant_disabled', 'tenant_not_connected')),
    stopped_at     timestamptz,
    stop_reason    text
                   CHECK (stop_reason IN ('setter_left', 'setter_disabled', 'setter_not_permitted')),

    CONSTRAINT one_timing CHECK (num_nonnulls(time_of_day, cron) = 1),
    CONSTRAINT skip_is_whole CHECK (num_nonnulls(skipped_due_at, skip_reason) IN (0, 2)),
    CONSTRAINT stop_is_whole CHECK (num_nonnulls(stopped_at, stop_reason) IN (0, 2)),
    CONSTRAINT nothing_due_when_stopped CHECK (stopped_at IS NULL OR next_due_at IS NULL)
);
CREATE INDEX tenant_schedules_due ON tenant_schedules (next_due_at);
CREATE INDEX tenant_schedules_last_run ON tenant_schedules (last_run_id);
CREATE INDEX tenant_schedules_set_by ON tenant_schedules (set_by);
