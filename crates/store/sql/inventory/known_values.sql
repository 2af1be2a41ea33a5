-- inventory.known_values
--
-- The next objects of each of these types, by id, whose values are stored and can be known again: the
-- mark that their list row had, and how many seconds ago they were read. Objects that are missing
-- are read when they are back.
SELECT k.policy_type, i.external_id, i.values_mark, i.age
FROM unnest(:policy_types::text[], :after::text[]) AS k(policy_type, after)
    CROSS JOIN LATERAL (
        SELECT s.external_id, s.values_mark,
            extract(epoch FROM statement_timestamp() - s.values_verified_at)::bigint AS age
        FROM inventory_items s
        WHERE s.tenant_id = :tenant AND s.policy_type = k.policy_type AND s.external_id > k.after
            AND s.values_mark IS NOT NULL AND s.missing_since IS NULL
        ORDER BY s.external_id
        LIMIT :'page_size'
    ) i
