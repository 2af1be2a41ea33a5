-- Written by `cargo xtask schema` from system/prune_webhook_deliveries.sql.
-- $1 age_ms: int8
-- $2 batch: int8
-- system.prune_webhook_deliveries
--
-- Deletes a batch of the oldest entries of the delivery log that are old enough.
DELETE FROM webhook_deliveries d
WHERE d.id IN (
    SELECT o.id
    FROM webhook_deliveries o
    WHERE o.at < statement_timestamp() - $1::bigint * interval '1 millisecond'
    ORDER BY o.at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
