-- Written by `cargo xtask schema` from inventory/store_activity.sql.
-- $1 tenant: uuid
-- $2 scope: text
-- $3 fence: int8
-- $4 token: uuid
-- $5 run: uuid
-- $6 log: text
-- $7 read_to: timestamptz
-- $8 objects: _text
-- $9 times: _timestamptz
-- $10 ids: _text
-- $11 creates: _bool
-- $12 activities: _text
-- $13 actor_kinds: _text
-- $14 actor_ids: _text
-- $15 actor_names: _text
-- returns held: bool
-- inventory.store_activity
--
-- Stores events of one log that concern items, a row for each object, and how far the log was read.
-- An event that created an object is stored before the item is there: its list may be read by a later
-- run. Events come again, in the same reading and in later ones. Returns whether the guard held.
WITH
-- Holds while the caller's fence is that of the tenant. FOR SHARE makes the check and the write
-- one: whoever takes the run over updates this row, and so waits for our commit or comes first.
guard AS (
    SELECT 1 AS held
    FROM tenant_fences f
    WHERE f.tenant_id = $1 AND f.scope = $2 AND f.fence = $3 AND f.token = $4
    FOR SHARE
),
reported AS (
    SELECT *
    FROM unnest(
        $8::text[], $9::timestamptz[], $10::text[], $11::boolean[],
        $12::text[], $13::text[], $14::text[], $15::text[]
    ) AS r(object_id, occurred_at, id, creates, activity, actor_kind, actor_id, actor_name)
),
stored AS (
    INSERT INTO activity_events
        (tenant_id, object_id, occurred_at, log, event_id, activity, actor_kind, actor_id,
            actor_name, run_id)
    SELECT $1, r.object_id, r.occurred_at, $6, r.id, r.activity, r.actor_kind, r.actor_id,
        r.actor_name, $5
    FROM reported r
        CROSS JOIN guard
    WHERE r.creates
        OR EXISTS (
            SELECT 1
            FROM inventory_items i
            WHERE i.tenant_id = $1 AND i.external_id = r.object_id
        )
    ORDER BY r.object_id, r.occurred_at, r.id
    ON CONFLICT DO NOTHING
),
reached AS (
    INSERT INTO activity_logs AS l (tenant_id, log, read_to)
    SELECT $1, $6, $7
    FROM guard
    WHERE $7::timestamptz IS NOT NULL
    ON CONFLICT (tenant_id, log) DO UPDATE
    SET read_to = greatest(l.read_to, EXCLUDED.read_to)
)
SELECT EXISTS (SELECT 1 FROM guard) AS held
