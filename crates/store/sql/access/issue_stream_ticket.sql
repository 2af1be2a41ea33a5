-- access.issue_stream_ticket
--
-- Records a ticket by its hash, and when it ends.
INSERT INTO stream_tickets (ticket_hash, token_id, expires_at)
VALUES (:hash, :token, statement_timestamp() + :life_ms::bigint * interval '1 millisecond')
RETURNING expires_at
