-- As the unique constraint of the first migration, which it replaces. Of indexes that cost the same the
-- planner takes the newest one. Without statistics of the table all cost the same, and syncs would
-- find their items by an index that has the tenant and the policy type, and read every item of the
-- type for each.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS inventory_items_key
    ON inventory_items (tenant_id, policy_type, external_id)
