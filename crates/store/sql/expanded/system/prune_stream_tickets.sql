-- Written by `cargo xtask schema` from system/prune_stream_tickets.sql.
-- $1 batch: int8
-- system.prune_stream_tickets
--
-- Deletes a batch of tickets that nobody can use any more.
DELETE FROM stream_tickets d
WHERE d.ticket_hash IN (
    SELECT x.ticket_hash
    FROM stream_tickets x
    WHERE x.expires_at < statement_timestamp()
    ORDER BY x.expires_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
)
