-- When any policy type of a tenant was last read to its end: a list of tenants takes one entry for
-- each instead of all of its summaries. Written once for each type of a sync.
CREATE INDEX CONCURRENTLY IF NOT EXISTS inventory_type_summaries_as_of
    ON inventory_type_summaries (tenant_id, data_as_of)
