DROP TRIGGER inventory_items_settings ON inventory_items;
DROP FUNCTION inventory_settings_of_item();
DELETE FROM inventory_settings s
WHERE NOT EXISTS (SELECT 1 FROM inventory_items i WHERE i.id = s.item_id);
ALTER TABLE inventory_settings
    ADD FOREIGN KEY (item_id) REFERENCES inventory_items (id) ON DELETE CASCADE;
