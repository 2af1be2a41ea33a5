ALTER TABLE inventory_items
    DROP COLUMN values_hash,
    DROP COLUMN values_mark,
    DROP COLUMN values_verified_at;
ALTER TABLE inventory_contents DROP COLUMN value_fields;
