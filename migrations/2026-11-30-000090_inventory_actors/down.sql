ALTER TABLE inventory_sync_runs DROP COLUMN unread_logs;
DROP TABLE activity_logs;
DROP TABLE activity_events;
DROP TABLE inventory_change_actors;
ALTER TABLE inventory_changes
    DROP COLUMN actors,
    DROP COLUMN attributed,
    DROP COLUMN read_from,
    DROP COLUMN seen_before;
ALTER TABLE inventory_items
    DROP COLUMN values_read_from,
    DROP COLUMN assignments_read_from,
    DROP COLUMN read_from;
