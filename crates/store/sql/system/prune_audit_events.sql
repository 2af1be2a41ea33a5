-- system.prune_audit_events
--
-- Deletes a batch of old entries of the audit log, in a transaction that says that it is retention
-- (migration 5). The index of each tenant's entries by time is asked for its first ones, and so is
-- that of the entries that belong to no tenant.
WITH of_tenants AS (
    SELECT oldest.id
    FROM tenants t
        CROSS JOIN LATERAL (
            SELECT a.id
            FROM audit_events a
            WHERE a.tenant_id = t.id
                AND a.occurred_at
                    < statement_timestamp() - :age_ms::bigint * interval '1 millisecond'
            ORDER BY a.occurred_at, a.id
            LIMIT :batch
            FOR UPDATE SKIP LOCKED
        ) oldest
    LIMIT :batch
),
of_no_tenant AS (
    SELECT a.id
    FROM audit_events a
    WHERE a.tenant_id IS NULL
        AND a.occurred_at < statement_timestamp() - :age_ms::bigint * interval '1 millisecond'
    ORDER BY a.occurred_at, a.id
    LIMIT :batch
    FOR UPDATE SKIP LOCKED
),
old AS (
    SELECT id FROM of_tenants UNION ALL SELECT id FROM of_no_tenant LIMIT :batch
)
DELETE FROM audit_events d
WHERE d.id = ANY (ARRAY(SELECT id FROM old))
