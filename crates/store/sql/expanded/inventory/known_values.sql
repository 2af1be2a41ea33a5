-- Written by `cargo xtask schema` from inventory/known_values.sql.
-- $1 tenant: uuid
-- $2 policy_types: _text
-- $3 after: _text
-- returns policy_type: text
-- returns external_id: text
-- returns values_mark: bytea
-- returns age: int8
-- inventory.known_values
--
-- The next objects of each of these types, by id, whose values are stored and can be known again: the
-- mark that their list row had, and how many seconds ago they were read. Objects that are missing
-- are read when they are back.
SELECT k.policy_type, i.external_id, i.values_mark, i.age
FROM unnest($2::text[], $3::text[]) AS k(policy_type, after)
    CROSS JOIN LATERAL (
        SELECT s.external_id, s.values_mark,
            extract(epoch FROM statement_timestamp() - s.values_verified_at)::bigint AS age
        FROM inventory_items s
        WHERE s.tenant_id = $1 AND s.policy_type = k.policy_type AND s.external_id > k.after
            AND s.values_mark IS NOT NULL AND s.missing_since IS NULL
        ORDER BY s.external_id
        LIMIT '2000'
    ) i
