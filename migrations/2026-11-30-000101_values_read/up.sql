-- Objects whose values were read because they are new or moved, and those whose values were read
-- although nothing moved.
ALTER TABLE inventory_type_results
    ADD COLUMN values_read     bigint NOT NULL DEFAULT 0,
    ADD COLUMN values_verified bigint NOT NULL DEFAULT 0;
