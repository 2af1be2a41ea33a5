-- inventory.attribute
--
-- Writes the actors of changes, and rows by which changes of an actor are found. Returns whether the
-- guard held.
WITH
\ir inventory/pieces/guard.sql
written AS (
    UPDATE inventory_changes c
    SET attributed = g.attributed,
        actors = g.actors
    FROM unnest(
            :times::timestamptz[], :ids::uuid[], :attributions::text[], :actors::jsonb[]
        ) AS g(occurred_at, id, attributed, actors)
        CROSS JOIN guard
    WHERE c.tenant_id = :tenant AND c.occurred_at = g.occurred_at AND c.id = g.id
        AND c.actors IS DISTINCT FROM g.actors
    RETURNING c.occurred_at, c.id, c.kind, c.policy_type, c.item_id
),
listed AS (
    INSERT INTO inventory_change_actors
        (tenant_id, occurred_at, change_id, actor, kind, policy_type, item_id)
    SELECT :tenant, w.occurred_at, w.id, k.actor, w.kind, w.policy_type, w.item_id
    FROM unnest(:keyed::uuid[], :keys::text[]) AS k(id, actor)
        JOIN written w ON w.id = k.id
    ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT 1 FROM guard) AS held
