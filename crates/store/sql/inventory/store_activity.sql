-- inventory.store_activity
--
-- Stores events of one log that concern items, a row for each object, and how far the log was read.
-- An event that created an object is stored before the item is there: its list may be read by a later
-- run. Events come again, in the same reading and in later ones. Returns whether the guard held.
WITH
\ir inventory/pieces/guard.sql
reported AS (
    SELECT *
    FROM unnest(
        :objects::text[], :times::timestamptz[], :ids::text[], :creates::boolean[],
        :activities::text[], :actor_kinds::text[], :actor_ids::text[], :actor_names::text[]
    ) AS r(object_id, occurred_at, id, creates, activity, actor_kind, actor_id, actor_name)
),
stored AS (
    INSERT INTO activity_events
        (tenant_id, object_id, occurred_at, log, event_id, activity, actor_kind, actor_id,
            actor_name, run_id)
    SELECT :tenant, r.object_id, r.occurred_at, :log, r.id, r.activity, r.actor_kind, r.actor_id,
        r.actor_name, :run
    FROM reported r
        CROSS JOIN guard
    WHERE r.creates
        OR EXISTS (
            SELECT 1
            FROM inventory_items i
            WHERE i.tenant_id = :tenant AND i.external_id = r.object_id
        )
    ORDER BY r.object_id, r.occurred_at, r.id
    ON CONFLICT DO NOTHING
),
reached AS (
    INSERT INTO activity_logs AS l (tenant_id, log, read_to)
    SELECT :tenant, :log, :read_to
    FROM guard
    WHERE :read_to::timestamptz IS NOT NULL
    ON CONFLICT (tenant_id, log) DO UPDATE
    SET read_to = greatest(l.read_to, EXCLUDED.read_to)
)
SELECT EXISTS (SELECT 1 FROM guard) AS held
