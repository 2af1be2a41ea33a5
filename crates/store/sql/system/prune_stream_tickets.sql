-- system.prune_stream_tickets
--
-- Deletes a batch of tickets that nobody can use any more.
DELETE FROM stream_tickets d
WHERE d.ticket_hash IN (
    SELECT x.ticket_hash
    FROM stream_tickets x
    WHERE x.expires_at < statement_timestamp()
    ORDER BY x.expires_at
    LIMIT :batch
    FOR UPDATE SKIP LOCKED
)
