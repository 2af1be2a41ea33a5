-- What was seen in each tenant, and what each sync did.

CREATE TABLE inventory_items (
    id               uuid PRIMARY KEY,
    tenant_id        uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    policy_type      text NOT NULL,
    external_id      text NOT NULL,                  -- its id in Microsoft Graph
    name             text NOT NULL,
    category         text NOT NULL,
    platform         text NOT NULL,
    foundation       boolean NOT NULL,
    scope_tags       text[] NOT NULL,
    assignment_count integer,                        -- null: the list does not tell
    metadata         jsonb NOT NULL,                 -- small and safe; no secret, no script
    content_hash     bytea NOT NULL CHECK (octet_length(content_hash) = 32),
    assignments_hash bytea CHECK (octet_length(assignments_hash) = 32),
    first_seen_at    timestamptz NOT NULL,
    last_seen_at     timestamptz NOT NULL,
    changed_at       timestamptz NOT NULL,           -- content or assignments last differed
    missing_since    timestamptz,                    -- null: it was there at the last complete list
    fence            bigint NOT NULL,                -- of the last run that saw it
    last_seen_run    uuid NOT NULL,
    UNIQUE (tenant_id, policy_type, external_id)
) WITH (fillfactor = 80);
-- Lists are ordered by name within a tenant, with or without one policy type or category.
-- Columns that every sync writes (last_seen_at, fence, last_seen_run) are in no index.
CREATE INDEX inventory_items_name ON inventory_items (tenant_id, name, id);
CREATE INDEX inventory_items_type_name ON inventory_items (tenant_id, policy_type, name, id);
CREATE INDEX inventory_items_category_name ON inventory_items (tenant_id, category, name, id);

-- Exact counts per type, kept by the sync, so that the summary reads at most a row per type.
CREATE TABLE inventory_type_summaries (
    tenant_id    uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    policy_type  text NOT NULL,
    present      bigint NOT NULL,
    missing      bigint NOT NULL,
    data_as_of   timestamptz,                        -- end of the last complete reading
    last_run     uuid,
    PRIMARY KEY (tenant_id, policy_type)
);

CREATE TABLE inventory_sync_runs (
    run_id         uuid PRIMARY KEY REFERENCES operation_runs (id) ON DELETE CASCADE,
    tenant_id      uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    initiator_id   uuid NOT NULL REFERENCES users (id),
    selection      jsonb NOT NULL,
    selection_hash text NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX inventory_sync_runs_tenant ON inventory_sync_runs (tenant_id, created_at DESC, run_id DESC);

CREATE TABLE inventory_type_results (
    run_id       uuid NOT NULL REFERENCES inventory_sync_runs (run_id) ON DELETE CASCADE,
    policy_type  text NOT NULL,
    status       text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed', 'skipped')),
    pages        integer NOT NULL DEFAULT 0,
    seen         bigint NOT NULL DEFAULT 0,
    created      bigint NOT NULL DEFAULT 0,
    changed      bigint NOT NULL DEFAULT 0,
    missing      bigint NOT NULL DEFAULT 0,
    error        jsonb,
    started_at   timestamptz,
    completed_at timestamptz,
    PRIMARY KEY (run_id, policy_type)
);
