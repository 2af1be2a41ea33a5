ALTER TABLE inventory_type_summaries DROP COLUMN stored_since;
