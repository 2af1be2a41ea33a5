-- Changes of the last day are looked at again for actors; those of first readings have none.
CREATE INDEX CONCURRENTLY IF NOT EXISTS inventory_changes_between_readings
    ON inventory_changes (tenant_id, occurred_at)
    WHERE seen_before IS NOT NULL
