-- Notifications that are about a tenant and no run. A table of their own: programs of earlier versions
-- expect a run of every notification.
CREATE TABLE tenant_notices (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tenant_id  uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    kind       text NOT NULL,                        -- such as schedule_stopped
    title      text NOT NULL,
    body       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    read_at    timestamptz
);
CREATE INDEX tenant_notices_user ON tenant_notices (user_id, created_at DESC, id DESC);
CREATE INDEX tenant_notices_tenant ON tenant_notices (tenant_id);
