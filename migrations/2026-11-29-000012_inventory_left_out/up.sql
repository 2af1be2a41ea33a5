-- What lists hold that the inventory leaves out, such as the apps that Microsoft supplies: links may
-- lead to it, and do not dangle. Replaced whenever a list was read to its end.
CREATE TABLE inventory_left_out (
    tenant_id   uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    policy_type text COLLATE "C" NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, policy_type, external_id)
);
