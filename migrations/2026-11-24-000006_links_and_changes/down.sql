UPDATE inventory_type_results SET status = 'failed' WHERE status = 'incomplete';
ALTER TABLE inventory_type_results
    DROP CONSTRAINT inventory_type_results_status_check,
    ADD CONSTRAINT inventory_type_results_status_check
        CHECK (status IN ('pending', 'succeeded', 'failed', 'skipped')),
    DROP COLUMN back,
    DROP COLUMN reassigned;
DROP TABLE inventory_links;
DROP TABLE inventory_changes;
DROP TABLE inventory_contents;
ALTER TABLE inventory_items
    DROP COLUMN related_links,
    DROP COLUMN assignment_links,
    DROP COLUMN object_links;
