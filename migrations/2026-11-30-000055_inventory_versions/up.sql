-- What items said before. The current version of an item stands in inventory_items and
-- inventory_contents; the ones before it stand here. What was stored before this migration is version 1.

-- Version numbers begin with 1. The current version is valid from when the item changed or came back,
-- whichever is later.
ALTER TABLE inventory_items
    ADD COLUMN version       integer NOT NULL DEFAULT 1 CHECK (version > 0),
    ADD COLUMN version_run   uuid,                    -- the run that saw it first; null: not known
    ADD COLUMN present_since timestamptz;             -- null: it was never missing

-- Contents, values and assignments of past versions, each once in a tenant, by the hash that items have of them.
CREATE TABLE inventory_bodies (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    hash      bytea NOT NULL CHECK (octet_length(hash) = 32),
    body      jsonb NOT NULL,                         -- as in inventory_contents
    PRIMARY KEY (tenant_id, hash)
) WITH (toast_tuple_target = 128);
-- Compressed in its row where that is enough, so that a body is one row of one table.
ALTER TABLE inventory_bodies ALTER COLUMN body SET STORAGE MAIN;

CREATE TABLE inventory_versions (
    item_id          uuid NOT NULL REFERENCES inventory_items (id) ON DELETE CASCADE,
    number           integer NOT NULL,
    tenant_id        uuid NOT NULL,                   -- the item's
    name             text NOT NULL,
    platform         text NOT NULL,
    scope_tags       text[] NOT NULL,
    assignment_count integer,
    metadata         jsonb NOT NULL,
    valid_from       timestamptz NOT NULL,
    valid_to         timestamptz NOT NULL,            -- when the next version was seen, or it was missing
    run_id           uuid,                            -- the run that saw it first; null: not known
    content_hash     bytea,                           -- null: no content was kept
    values_hash      bytea,                           -- null: not known, or the type has none
    assignments_hash bytea,                           -- null: not known
    -- Whether there are as many later ones as are always kept: retention deletes it once it is old.
    prunable         boolean NOT NULL DEFAULT false,
    PRIMARY KEY (item_id, number),
    FOREIGN KEY (tenant_id, content_hash) REFERENCES inventory_bodies (tenant_id, hash),
    FOREIGN KEY (tenant_id, values_hash) REFERENCES inventory_bodies (tenant_id, hash),
    FOREIGN KEY (tenant_id, assignments_hash) REFERENCES inventory_bodies (tenant_id, hash)
);
-- A tenant's items at a past time are listed by name.
CREATE INDEX inventory_versions_name ON inventory_versions (tenant_id, name, item_id)
    INCLUDE (valid_from, valid_to);
-- Retention looks for the oldest of these, and for other versions with the same body.
CREATE INDEX inventory_versions_prunable ON inventory_versions (tenant_id, valid_to) WHERE prunable;
CREATE INDEX inventory_versions_content ON inventory_versions (tenant_id, content_hash);
CREATE INDEX inventory_versions_values ON inventory_versions (tenant_id, values_hash)
    WHERE values_hash IS NOT NULL;
CREATE INDEX inventory_versions_assignments ON inventory_versions (tenant_id, assignments_hash);
