-- What an object sets beside its list row: settings of a policy, values of a template, messages. Read
-- apart from the row and compared apart from it. Null: not read yet, or the type has none.
ALTER TABLE inventory_contents
    ADD COLUMN value_fields jsonb;                    -- JSON pointer to value; no secret, no script

-- values_mark is what the list row said of the last edit when the values were read: while it says the
-- same they are read only in order to verify them. Rows that stand have none of these, so that
-- nothing is to be checked of them.
ALTER TABLE inventory_items
    ADD COLUMN values_hash        bytea,
    ADD COLUMN values_mark        bytea,
    ADD COLUMN values_verified_at timestamptz,
    ADD CONSTRAINT inventory_items_values_check CHECK (
        octet_length(values_hash) = 32 AND values_verified_at IS NOT NULL
            AND (values_mark IS NULL OR octet_length(values_mark) = 16)
        OR values_hash IS NULL AND values_mark IS NULL AND values_verified_at IS NULL
    ) NOT VALID;
