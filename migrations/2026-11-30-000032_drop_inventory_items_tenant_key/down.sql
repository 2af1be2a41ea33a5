ALTER TABLE inventory_items
    ADD CONSTRAINT inventory_items_tenant_id_policy_type_external_id_key
        UNIQUE (tenant_id, policy_type, external_id);
