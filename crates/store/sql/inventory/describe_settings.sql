-- inventory.describe_settings
--
-- Stores what the catalog says of settings; a setting without a name is not in the catalog. Syncs that
-- ask for the same ones store the same, in one order.
WITH described AS (
    SELECT d.id
    FROM setting_definitions d
    WHERE d.id = ANY (:ids::text[])
    ORDER BY d.id
    FOR UPDATE
)
UPDATE setting_definitions d
SET name = coalesce(t.name, d.name),
    description = coalesce(t.description, d.description),
    options = coalesce(t.options, d.options),
    asked_at = clock_timestamp()
FROM unnest(:ids::text[], :names::text[], :descriptions::text[], :options::jsonb[])
        AS t(id, name, description, options)
    JOIN described c ON c.id = t.id
WHERE d.id = c.id
