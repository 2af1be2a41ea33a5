CREATE TABLE tenants (
    id   bigint PRIMARY KEY,
    name text NOT NULL
);
CREATE TABLE memberships (
    user_id   bigint NOT NULL,
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    role      text NOT NULL,
    PRIMARY KEY (user_id, tenant_id)
);
CREATE TABLE runs (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id      bigint NOT NULL REFERENCES tenants (id),
    kind           text NOT NULL DEFAULT 'inventory_sync',
    selection_hash text NOT NULL DEFAULT 'all',
    status         text NOT NULL DEFAULT 'queued',
    requested_by   bigint NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    started_at     timestamptz,
    completed_at   timestamptz
);
CREATE UNIQUE INDEX runs_active ON runs (tenant_id, kind, selection_hash)
    WHERE status IN ('queued', 'running');
INSERT INTO tenants SELECT n, 'Tenant ' || n FROM generate_series(1, 600000) n;
INSERT INTO memberships SELECT 1, n, 'operator' FROM generate_series(1, 600000) n;
