DROP TABLE inventory_versions;
DROP TABLE inventory_bodies;
ALTER TABLE inventory_items
    DROP COLUMN version,
    DROP COLUMN version_run,
    DROP COLUMN present_since;
