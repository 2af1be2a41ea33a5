-- What begins: a row for each run.
asked AS (
    SELECT *
    FROM unnest(
        :runs::uuid[], :tenants::uuid[], :scopes::text[], :fences::bigint[], :tokens::uuid[],
        :initiators::uuid[], :selections::jsonb[], :hashes::text[]
    ) AS a(run, tenant, scope, fence, token, initiator, selection, hash)
),
