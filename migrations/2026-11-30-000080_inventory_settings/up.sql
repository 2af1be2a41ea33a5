-- Which items set what, one row for each setting of an item. It is made of inventory_contents.value_fields
-- by the statement that stores these.
CREATE TABLE inventory_settings (
    item_id     uuid NOT NULL REFERENCES inventory_items (id) ON DELETE CASCADE,
    -- 8 bytes of a hash of the value and 8 of one of the item and the field: rows of one setting are
    -- ordered by value, and those with one value are a range.
    place       uuid NOT NULL,
    tenant_id   uuid NOT NULL,                        -- the item's
    policy_type text NOT NULL,                        -- the item's
    setting_id  text COLLATE "C" NOT NULL,            -- what the service calls the setting
    field       text NOT NULL,                        -- JSON pointer in value_fields
    value       jsonb NOT NULL,
    PRIMARY KEY (item_id, place)
);
CREATE INDEX inventory_settings_by_setting ON inventory_settings (tenant_id, setting_id, place)
    INCLUDE (item_id, policy_type);

-- Settings that any tenant's items set, by id, with the service's texts about them. A setting is the
-- same in all tenants.
CREATE TABLE setting_definitions (
    id          text COLLATE "C" PRIMARY KEY,
    in_catalog  boolean NOT NULL,                     -- whether the settings catalog describes it
    name        text,                                 -- null: not known
    description text,
    options     jsonb,                                -- option id to name; null: it has none, or not known
    asked_at    timestamptz,                          -- when the catalog was last asked for it
    -- What is searched for a part of a name.
    search      text NOT NULL GENERATED ALWAYS AS (coalesce(name || ' ', '') || id) STORED
);
CREATE INDEX setting_definitions_search ON setting_definitions USING gin (search gin_trgm_ops);
-- Definitions that the catalog has not been asked for, or did not have.
CREATE INDEX setting_definitions_unknown ON setting_definitions (asked_at) WHERE in_catalog AND name IS NULL;
