-- Written by `cargo xtask schema` from inventory/attribute.sql.
-- $1 tenant: uuid
-- $2 scope: text
-- $3 fence: int8
-- $4 token: uuid
-- $5 times: _timestamptz
-- $6 ids: _uuid
-- $7 attributions: _text
-- $8 actors: _jsonb
-- $9 keyed: _uuid
-- $10 keys: _text
-- returns held: bool
-- inventory.attribute
--
-- Writes the actors of changes, and rows by which changes of an actor are found. Returns whether the
-- guard held.
WITH
-- Holds while the caller's fence is that of the tenant. FOR SHARE makes the check and the write
-- one: whoever takes the run over updates this row, and so waits for our commit or comes first.
guard AS (
    SELECT 1 AS held
    FROM tenant_fences f
    WHERE f.tenant_id = $1 AND f.scope = $2 AND f.fence = $3 AND f.token = $4
    FOR SHARE
),
written AS (
    UPDATE inventory_changes c
    SET attributed = g.attributed,
        actors = g.actors
    FROM unnest(
            $5::timestamptz[], $6::uuid[], $7::text[], $8::jsonb[]
        ) AS g(occurred_at, id, attributed, actors)
        CROSS JOIN guard
    WHERE c.tenant_id = $1 AND c.occurred_at = g.occurred_at AND c.id = g.id
        AND c.actors IS DISTINCT FROM g.actors
    RETURNING c.occurred_at, c.id, c.kind, c.policy_type, c.item_id
),
listed AS (
    INSERT INTO inventory_change_actors
        (tenant_id, occurred_at, change_id, actor, kind, policy_type, item_id)
    SELECT $1, w.occurred_at, w.id, k.actor, w.kind, w.policy_type, w.item_id
    FROM unnest($9::uuid[], $10::text[]) AS k(id, actor)
        JOIN written w ON w.id = k.id
    ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT 1 FROM guard) AS held
