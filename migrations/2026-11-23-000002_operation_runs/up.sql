-- Runs: the queue, its lock and its history. Redis only carries hints.

CREATE TABLE operation_runs (
    id                  uuid PRIMARY KEY,            -- UUIDv7, made by the API
    tenant_id           uuid NOT NULL REFERENCES tenants (id),
    kind                text NOT NULL,
    identity            text NOT NULL,               -- hash of tenant, kind and normal form of the inputs
    lock_scope          text NOT NULL,               -- what excludes each other within a tenant
    status              text NOT NULL DEFAULT 'queued'
                        CHECK (status IN ('queued', 'running', 'completed')),
    outcome             text
                        CHECK (outcome IN ('succeeded', 'partially_succeeded', 'failed', 'cancelled')),
    priority            smallint NOT NULL DEFAULT 0, -- greater goes first
    inputs              jsonb NOT NULL,              -- the normal form
    initiator_id        uuid NOT NULL REFERENCES users (id),
    retry_of            uuid REFERENCES operation_runs (id) ON DELETE SET NULL,
    -- waiting
    not_before          timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at          timestamptz NOT NULL DEFAULT clock_timestamp() + interval '24 hours',
    wait_reason         text,                        -- why it was put back; why it waits now is read, not stored
    -- attempts
    attempt             integer NOT NULL DEFAULT 0,  -- claims; part of every later compare-and-set
    failures            integer NOT NULL DEFAULT 0,  -- attempts that failed; only these count toward the limit
    max_failures        integer NOT NULL DEFAULT 5,
    -- lease
    worker_id           text,
    lease_token         uuid,
    lease_expires_at    timestamptz,
    heartbeat_at        timestamptz,
    started_at          timestamptz,
    -- cancellation
    cancel_requested_at timestamptz,
    cancel_requested_by uuid REFERENCES users (id),
    cancel_reason       text,
    cancel_deadline_at  timestamptz,
    -- what it did
    progress            jsonb,
    counts              jsonb,
    error               jsonb,
    event_seq           integer NOT NULL DEFAULT 0,  -- number of its last event
    completed_at        timestamptz,
    created_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at          timestamptz NOT NULL DEFAULT clock_timestamp(),

    CONSTRAINT lease_when_running CHECK ((status = 'running') = (lease_token IS NOT NULL)),
    CONSTRAINT lease_is_whole
        CHECK (num_nonnulls(worker_id, lease_token, lease_expires_at, heartbeat_at) IN (0, 4)),
    CONSTRAINT outcome_when_completed CHECK ((status = 'completed') = (outcome IS NOT NULL)),
    CONSTRAINT completed_at_when_completed CHECK ((status = 'completed') = (completed_at IS NOT NULL)),
    CONSTRAINT cancel_is_whole
        CHECK (num_nonnulls(cancel_requested_at, cancel_requested_by, cancel_deadline_at) IN (0, 3))
) WITH (fillfactor = 70);

-- Dedupe: two active runs never share an identity.
CREATE UNIQUE INDEX operation_runs_one_active
    ON operation_runs (tenant_id, kind, identity) WHERE status IN ('queued', 'running');
-- The tenant lock: the running row itself.
CREATE UNIQUE INDEX operation_runs_one_running
    ON operation_runs (tenant_id, lock_scope) WHERE status = 'running';
-- Due work. Lease columns are in no index, so that heartbeats stay HOT; few rows are running.
CREATE INDEX operation_runs_due ON operation_runs (priority DESC, not_before) WHERE status = 'queued';
CREATE INDEX operation_runs_tenant ON operation_runs (tenant_id, created_at DESC, id DESC);
CREATE INDEX operation_runs_initiator ON operation_runs (initiator_id, created_at DESC, id DESC);
CREATE INDEX operation_runs_retry_of ON operation_runs (retry_of) WHERE retry_of IS NOT NULL;

-- The fence of a tenant: raised by every claim and by every exit from running.
CREATE TABLE tenant_fences (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    scope     text NOT NULL,
    fence     bigint NOT NULL,
    token     uuid,                                  -- the lease that raised it last by a claim
    served_at timestamptz NOT NULL,                  -- last claim: whoever was served longest ago goes first
    PRIMARY KEY (tenant_id, scope)
) WITH (fillfactor = 50);

-- What happened to a run, numbered under the run's row lock, written with the transition.
CREATE TABLE operation_run_events (
    run_id  uuid NOT NULL REFERENCES operation_runs (id) ON DELETE CASCADE,
    seq     integer NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempt integer NOT NULL,
    event   text NOT NULL,
    detail  jsonb,
    PRIMARY KEY (run_id, seq)
);
