DROP TABLE setting_definitions;
DROP TABLE inventory_settings;
