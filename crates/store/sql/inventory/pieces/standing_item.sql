        -- The item of each observation, looked up by itself (a unique key has one): in a join, the
        -- planner would read all items of the tenant or of the type while a new database has no
        -- statistics of them.
        CROSS JOIN LATERAL (
            SELECT *
            FROM inventory_items k
            WHERE k.tenant_id = :tenant AND k.policy_type = o.policy_type
                AND k.external_id = o.external_id
            LIMIT 1
        ) i
