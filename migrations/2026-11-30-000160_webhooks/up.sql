-- Endpoints that events are delivered to (docs/adr/0019-webhooks.md). Of one endpoint one worker sends at a
-- time, under a lease, in the order of the log.
CREATE TABLE webhook_endpoints (
    id               uuid PRIMARY KEY,
    user_id          uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tenant_id        uuid REFERENCES tenants (id) ON DELETE CASCADE, -- none: every tenant of the user
    url              text NOT NULL,
    event_types      text[] NOT NULL,                -- empty: every type
    public_url       text NOT NULL,                  -- what links in deliveries begin with
    -- signing secrets, encrypted for the workers' keys
    key_id           text NOT NULL,
    secret           bytea NOT NULL,
    previous_key_id  text,
    previous_secret  bytea,
    previous_until   timestamptz,                    -- both sign until then
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    position         bigint NOT NULL,                -- in the log; what is up to here is seen to
    failures         integer NOT NULL DEFAULT 0,     -- of the next event
    failing_since    timestamptz,
    next_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_token      uuid,
    lease_expires_at timestamptz,
    served_at        timestamptz NOT NULL DEFAULT clock_timestamp(), -- whoever waits longest is next
    disabled_at      timestamptz,
    disable_reason   text
                     CHECK (disable_reason IN ('by_owner', 'gone', 'failing', 'owner_disabled')),

    CONSTRAINT previous_is_whole
        CHECK (num_nonnulls(previous_key_id, previous_secret, previous_until) IN (0, 3)),
    CONSTRAINT lease_is_whole CHECK (num_nonnulls(lease_token, lease_expires_at) IN (0, 2)),
    CONSTRAINT disabled_is_whole CHECK (num_nonnulls(disabled_at, disable_reason) IN (0, 2)),
    CONSTRAINT failing_has_failures CHECK ((failing_since IS NULL) = (failures = 0))
);
CREATE INDEX webhook_endpoints_user ON webhook_endpoints (user_id);
CREATE INDEX webhook_endpoints_tenant ON webhook_endpoints (tenant_id);

-- What owners asked for beside the log: a test, or an event once more. Each is sent once.
CREATE TABLE webhook_requests (
    id          uuid PRIMARY KEY,
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    event_id    uuid NOT NULL,
    position    bigint,                              -- of the event in the log; none: a test
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX webhook_requests_endpoint ON webhook_requests (endpoint_id, created_at);

-- Attempts of deliveries, and what was not sent.
CREATE TABLE webhook_deliveries (
    id          uuid PRIMARY KEY,
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    tenant_id   uuid REFERENCES tenants (id) ON DELETE CASCADE,
    cause       text NOT NULL CHECK (cause IN ('event', 'redelivery', 'test', 'gap')),
    event_id    uuid,
    event_type  text,
    position    bigint,                              -- of the event in the log
    attempt     integer NOT NULL,
    outcome     text NOT NULL
                CHECK (outcome IN ('delivered', 'gone', 'rate_limited', 'refused', 'no_answer', 'skipped')),
    status      integer,                             -- of HTTP
    detail      text NOT NULL,                       -- a sentence for the owner
    took_ms     integer NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_at     timestamptz                          -- of the next attempt
);
CREATE INDEX webhook_deliveries_endpoint ON webhook_deliveries (endpoint_id, at DESC, id DESC);
CREATE INDEX webhook_deliveries_tenant ON webhook_deliveries (tenant_id);
CREATE INDEX webhook_deliveries_at ON webhook_deliveries (at);

-- The public key that signing secrets are encrypted for, as workers publish it.
CREATE TABLE webhook_sealing_key (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    key_id     text NOT NULL,
    public_key bytea NOT NULL,
    set_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
