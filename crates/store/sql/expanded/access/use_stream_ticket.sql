-- Written by `cargo xtask schema` from access/use_stream_ticket.sql.
-- $1 hash: bytea
-- returns id: uuid
-- returns user_id: uuid
-- returns email: text
-- returns display_name: text
-- returns is_operator: bool
-- returns revoked: bool
-- returns expired: bool
-- access.use_stream_ticket
--
-- Deletes a ticket, and returns the user of the token that it was issued for, with whether the token or
-- the user has ended. A ticket that has expired returns no row. Of two uses at once, one finds the ticket.
WITH used AS (
    DELETE FROM stream_tickets x
    WHERE x.ticket_hash = $1
    RETURNING x.token_id, x.expires_at
)
SELECT k.id, k.user_id, u.email, u.display_name, u.is_operator,
    (k.revoked_at IS NOT NULL OR u.disabled_at IS NOT NULL) AS revoked,
    coalesce(k.expires_at <= statement_timestamp(), false) AS expired
FROM used x
    JOIN api_tokens k ON k.id = x.token_id
    JOIN users u ON u.id = k.user_id
WHERE x.expires_at > statement_timestamp()
