-- inventory_items_key is in its place.
ALTER TABLE inventory_items DROP CONSTRAINT inventory_items_tenant_id_policy_type_external_id_key;
