-- Of summaries from before the column. Types without items have none.
UPDATE inventory_type_summaries y
SET stored_since = i.first_seen_at
FROM (SELECT tenant_id, policy_type, min(first_seen_at) AS first_seen_at
        FROM inventory_items
        GROUP BY tenant_id, policy_type) i
WHERE i.tenant_id = y.tenant_id AND i.policy_type = y.policy_type AND y.stored_since IS NULL;
