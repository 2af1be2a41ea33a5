-- What a sync tells beyond that an item is there: what it says, what it leans on, and what changed.

-- Digests of the links that each reading of the item told last; null: it told none yet.
ALTER TABLE inventory_items
    ADD COLUMN object_links     bytea CHECK (octet_length(object_links) = 16),
    ADD COLUMN assignment_links bytea CHECK (octet_length(assignment_links) = 16),
    ADD COLUMN related_links    bytea CHECK (octet_length(related_links) = 16);

-- What an item said last, so that the next reading can be held against it. Apart from the items,
-- because every sync writes those, and this only when it differs.
CREATE TABLE inventory_contents (
    item_id     uuid PRIMARY KEY REFERENCES inventory_items (id) ON DELETE CASCADE,
    content     jsonb NOT NULL,                       -- JSON pointer to value; no secret, no script
    assignments jsonb                                 -- null: never told
);

-- Items are deleted with their tenant only, as changes are: no reference to the item is needed.
CREATE TABLE inventory_changes (
    tenant_id   uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    occurred_at timestamptz NOT NULL,
    id          uuid NOT NULL,
    item_id     uuid NOT NULL,
    policy_type text NOT NULL,
    kind        text NOT NULL
        CHECK (kind IN ('created', 'changed', 'reassigned', 'gone', 'back')),
    run_id      uuid NOT NULL,                        -- the run that saw it
    detail      jsonb,                                -- null: nothing to tell, or not known
    PRIMARY KEY (tenant_id, occurred_at, id)
);
CREATE INDEX inventory_changes_item ON inventory_changes (tenant_id, item_id, occurred_at, id);
CREATE INDEX inventory_changes_kind ON inventory_changes (tenant_id, kind, occurred_at, id);
CREATE INDEX inventory_changes_type
    ON inventory_changes (tenant_id, policy_type, kind, occurred_at, id);
-- Retention looks for the oldest rows of a table that grows in the order of time.
CREATE INDEX inventory_changes_occurred ON inventory_changes USING brin (occurred_at);

-- Links go from an item that is there to a target that may be anything. Words and ids are compared
-- byte by byte, so that a range of them is the same everywhere.
CREATE TABLE inventory_links (
    item_id     uuid NOT NULL REFERENCES inventory_items (id) ON DELETE CASCADE,
    id          uuid NOT NULL,
    tenant_id   uuid NOT NULL,                        -- the item's
    source      text NOT NULL CHECK (source IN ('object', 'assignments', 'related')),
    kind        text NOT NULL,
    target_kind text COLLATE "C" NOT NULL,
    target_id   text COLLATE "C" NOT NULL,
    qualifier   jsonb NOT NULL,
    dangling    boolean NOT NULL DEFAULT false,       -- as of the last sync that read to its end
    PRIMARY KEY (item_id, id)
);
CREATE INDEX inventory_links_target ON inventory_links (tenant_id, target_kind, target_id, id);
CREATE INDEX inventory_links_kind ON inventory_links (tenant_id, kind, target_kind, target_id, id);
CREATE INDEX inventory_links_dangling ON inventory_links (tenant_id, target_kind, target_id, id)
    WHERE dangling;

ALTER TABLE inventory_type_results
    ADD COLUMN reassigned bigint NOT NULL DEFAULT 0,
    ADD COLUMN back       bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT inventory_type_results_status_check,
    ADD CONSTRAINT inventory_type_results_status_check
        CHECK (status IN ('pending', 'succeeded', 'failed', 'skipped', 'incomplete'));

-- From here on every write adjusts the counts. A run that was cut off may have left them behind.
INSERT INTO inventory_type_summaries AS s (tenant_id, policy_type, present, missing)
SELECT i.tenant_id, i.policy_type, count(*) FILTER (WHERE i.missing_since IS NULL),
    count(*) FILTER (WHERE i.missing_since IS NOT NULL)
FROM inventory_items i GROUP BY i.tenant_id, i.policy_type
ON CONFLICT (tenant_id, policy_type) DO UPDATE SET present = EXCLUDED.present,
    missing = EXCLUDED.missing;
