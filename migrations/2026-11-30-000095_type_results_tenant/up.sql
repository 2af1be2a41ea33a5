-- The tenant of each result, by which the last reading of a policy type before a time is found.
ALTER TABLE inventory_type_results ADD COLUMN tenant_id uuid;

-- Programs of the version before do not name it. The run is there before its results.
CREATE FUNCTION inventory_type_results_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.tenant_id := (SELECT r.tenant_id FROM operation_runs r WHERE r.id = NEW.run_id);
    RETURN NEW;
END
$$;
CREATE TRIGGER inventory_type_results_tenant BEFORE INSERT ON inventory_type_results
    FOR EACH ROW WHEN (NEW.tenant_id IS NULL) EXECUTE FUNCTION inventory_type_results_tenant();
