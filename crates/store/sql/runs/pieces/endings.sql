-- A row for each run that is to end. `held` and `owned` follow.
asked AS (
    SELECT *
    FROM unnest(:runs::uuid[], :attempts::integer[], :tokens::uuid[], :fences::bigint[],
            :outcomes::text[], :counts::jsonb[], :errors::jsonb[], :progress::jsonb[],
            :events::text[], :notifications::uuid[], :titles::text[], :bodies::text[],
            :cancelled_titles::text[], :cancelled_bodies::text[], :audits::uuid[])
        AS a (id, attempt, token, fence, outcome, counts, error, progress, event, notification_id,
            title, body, cancelled_title, cancelled_body, audit_id)
),
