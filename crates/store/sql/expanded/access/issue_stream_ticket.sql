-- Written by `cargo xtask schema` from access/issue_stream_ticket.sql.
-- $1 hash: bytea
-- $2 token: uuid
-- $3 life_ms: int8
-- returns expires_at: timestamptz
-- access.issue_stream_ticket
--
-- Records a ticket by its hash, and when it ends.
INSERT INTO stream_tickets (ticket_hash, token_id, expires_at)
VALUES ($1, $2, statement_timestamp() + $3::bigint * interval '1 millisecond')
RETURNING expires_at
