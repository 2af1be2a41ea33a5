-- Since when items of the type are stored, so that it is known of which times nothing is. The default is
-- for programs of the version before, too.
ALTER TABLE inventory_type_summaries ADD COLUMN stored_since timestamptz;
ALTER TABLE inventory_type_summaries ALTER COLUMN stored_since SET DEFAULT clock_timestamp();
