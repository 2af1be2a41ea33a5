-- The groups of tenants' directories, as they were last told, so that pages can name and find them
-- without asking Microsoft Graph.

-- A trusted extension of PostgreSQL's own distribution: a database's owner may create it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE directory_groups (
    tenant_id     uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id            uuid NOT NULL,                      -- its id in Microsoft Entra
    detail        jsonb NOT NULL,                     -- what is known of it; later readings tell only what changed
    name          text NOT NULL GENERATED ALWAYS AS (detail->>'name') STORED,
    -- In lower case, compared byte by byte, so that a range of it is the same everywhere.
    name_key      text COLLATE "C" NOT NULL GENERATED ALWAYS AS (detail->>'name_key') STORED,
    group_type    text NOT NULL GENERATED ALWAYS AS (CASE
        WHEN (detail->>'unified')::boolean THEN 'microsoft_365'
        WHEN (detail->>'security')::boolean AND (detail->>'mail')::boolean THEN 'mail_enabled_security'
        WHEN (detail->>'security')::boolean THEN 'security'
        ELSE 'distribution' END) STORED,
    first_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    removed_at    timestamptz,                        -- null: it is there
    fence         bigint NOT NULL,                    -- of the last run that was told of it
    PRIMARY KEY (tenant_id, id)
) PARTITION BY HASH (tenant_id);

-- Groups of all tenants are named after the same departments and places. In parts, a search by
-- similarity meets the names of a few tenants and not of all.
DO $$
BEGIN
    FOR part IN 0..31 LOOP
        EXECUTE format('CREATE TABLE directory_groups_%s PARTITION OF directory_groups '
            'FOR VALUES WITH (MODULUS 32, REMAINDER %s) WITH (fillfactor = 80)', part, part);
    END LOOP;
END
$$;

-- Lists are ordered by name, with or without one type. Columns that every full reading writes are in
-- no index.
CREATE INDEX directory_groups_name ON directory_groups (tenant_id, name_key, id)
    WHERE removed_at IS NULL;
CREATE INDEX directory_groups_type_name ON directory_groups (tenant_id, group_type, name_key, id)
    WHERE removed_at IS NULL;
CREATE INDEX directory_groups_similar ON directory_groups USING gin (name_key gin_trgm_ops)
    WHERE removed_at IS NULL;

-- How far the groups of each tenant were read.
CREATE TABLE directory_group_readings (
    tenant_id  uuid PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
    delta_link text NOT NULL,                         -- where the next reading goes on; everything before it is stored
    present    bigint NOT NULL,                       -- groups that are there
    removed    bigint NOT NULL,                       -- groups that were there once
    data_as_of timestamptz NOT NULL,                  -- end of the last complete reading
    full_at    timestamptz NOT NULL,                  -- end of the last that told every group
    last_run   uuid NOT NULL
);
