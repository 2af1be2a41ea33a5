-- Who changed items, by the audit logs of Intune and Entra.

-- A change happened between the reading of the item before it and the one that found it.
ALTER TABLE inventory_items
    -- When the request of the last reading was sent; null: not known, the item was seen since then.
    ADD COLUMN read_from             timestamptz,
    ADD COLUMN assignments_read_from timestamptz,     -- of the last reading that reported them
    ADD COLUMN values_read_from      timestamptz;

ALTER TABLE inventory_changes
    ADD COLUMN seen_before timestamptz,               -- the reading before it; null: there was none, or not known
    ADD COLUMN read_from   timestamptz,               -- when the request of its own reading was sent; null: when it was recorded
    ADD COLUMN attributed  text CHECK (attributed IN ('exact', 'window')),  -- null: no actor is known
    ADD COLUMN actors      jsonb;                     -- the latest first

-- Changes by actor: a row for the id and one for the name of each, in lower case.
CREATE TABLE inventory_change_actors (
    tenant_id   uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    change_id   uuid NOT NULL,
    actor       text COLLATE "C" NOT NULL,
    kind        text NOT NULL,                        -- the change's
    policy_type text NOT NULL,                        -- the change's
    item_id     uuid NOT NULL,                        -- the change's
    PRIMARY KEY (tenant_id, occurred_at, change_id, actor),
    FOREIGN KEY (tenant_id, occurred_at, change_id)
        REFERENCES inventory_changes (tenant_id, occurred_at, id) ON DELETE CASCADE
);
CREATE INDEX inventory_change_actors_by_actor
    ON inventory_change_actors (tenant_id, actor, occurred_at, change_id)
    INCLUDE (kind, policy_type, item_id);

-- Events of the two logs that may explain changes, a row for each object of an event. Old and new
-- values, which events carry too, are not stored.
CREATE TABLE activity_events (
    tenant_id   uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    object_id   text COLLATE "C" NOT NULL,            -- as inventory_items.external_id
    occurred_at timestamptz NOT NULL,                 -- by Microsoft Graph's clock
    log         text NOT NULL CHECK (log IN ('auditEvents', 'directoryAudits')),
    event_id    text NOT NULL,
    activity    text NOT NULL,
    actor_kind  text NOT NULL CHECK (actor_kind IN ('user', 'application')),
    actor_id    text,
    actor_name  text,
    run_id      uuid NOT NULL,                        -- the run that read it
    PRIMARY KEY (tenant_id, object_id, occurred_at, log, event_id)
);
-- Retention looks for the oldest.
CREATE INDEX activity_events_age ON activity_events (occurred_at);

-- How far the logs of a tenant were read.
CREATE TABLE activity_logs (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    log       text NOT NULL CHECK (log IN ('auditEvents', 'directoryAudits')),
    read_to   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, log)
);

-- Why logs could not be read, by their names; null: all were read.
ALTER TABLE inventory_sync_runs ADD COLUMN unread_logs jsonb;
