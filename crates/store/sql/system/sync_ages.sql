-- system.sync_ages
--
-- How many enabled tenants had their last good run of each kind how long ago. A run is good when it
-- ended as succeeded or as partially succeeded. For each tenant, kind and outcome the first entry of
-- an index answers; where a tenant's runs are of another kind, at most the newest thousand are passed
-- over.
WITH last AS MATERIALIZED (
    SELECT k.kind,
        (SELECT max(good.completed_at)
            FROM unnest(ARRAY[:'succeeded', :'partially_succeeded']) AS o(outcome)
            CROSS JOIN LATERAL (
                SELECT newest.completed_at
                FROM (
                    SELECT r.kind, r.completed_at
                    FROM operation_runs r
                    WHERE r.tenant_id = t.id AND r.outcome = o.outcome
                    ORDER BY r.created_at DESC, r.id DESC
                    LIMIT 1000
                ) newest
                WHERE newest.kind = k.kind
                LIMIT 1
            ) good
        ) AS at
    FROM tenants t
        CROSS JOIN unnest(:kinds::text[]) AS k(kind)
    WHERE t.enabled
)
SELECT l.kind,
    CASE
        WHEN l.at IS NULL THEN 'never'
        WHEN l.at > statement_timestamp() - interval '1 hour' THEN '1h'
        WHEN l.at > statement_timestamp() - interval '6 hours' THEN '6h'
        WHEN l.at > statement_timestamp() - interval '1 day' THEN '1d'
        WHEN l.at > statement_timestamp() - interval '3 days' THEN '3d'
        WHEN l.at > statement_timestamp() - interval '7 days' THEN '7d'
        WHEN l.at > statement_timestamp() - interval '30 days' THEN '30d'
        ELSE 'longer'
    END AS age,
    count(*) AS tenants
FROM last l
GROUP BY 1, 2
ORDER BY 1, 2
