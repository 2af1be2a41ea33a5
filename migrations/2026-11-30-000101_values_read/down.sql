ALTER TABLE inventory_type_results DROP COLUMN values_verified, DROP COLUMN values_read;
