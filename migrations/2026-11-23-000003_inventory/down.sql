DROP TABLE inventory_type_results;
DROP TABLE inventory_sync_runs;
DROP TABLE inventory_type_summaries;
DROP TABLE inventory_items;
