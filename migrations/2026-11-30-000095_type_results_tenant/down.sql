DROP TRIGGER inventory_type_results_tenant ON inventory_type_results;
DROP FUNCTION inventory_type_results_tenant();
ALTER TABLE inventory_type_results DROP COLUMN tenant_id;
