-- Items whose values were stored when there was no inventory_settings yet. The next syncs of their
-- tenant write the rows and delete these; nothing else is added here. An item that is gone may stand
-- here until then: a foreign key would keep writers of items waiting while this migration runs.
CREATE TABLE inventory_items_without_settings (
    tenant_id uuid NOT NULL,
    item_id   uuid NOT NULL,
    PRIMARY KEY (tenant_id, item_id)
);
