-- system.prune_webhook_deliveries
--
-- Deletes a batch of the oldest entries of the delivery log that are old enough.
DELETE FROM webhook_deliveries d
WHERE d.id IN (
    SELECT o.id
    FROM webhook_deliveries o
    WHERE o.at < statement_timestamp() - :age_ms::bigint * interval '1 millisecond'
    ORDER BY o.at
    LIMIT :batch
    FOR UPDATE SKIP LOCKED
)
