-- Tickets with which a browser opens a stream where it cannot send a header. Each is used once, within half
-- a minute, and is worth what the token is worth that it was issued for.
CREATE TABLE stream_tickets (
    -- SHA-256 of the ticket.
    ticket_hash bytea PRIMARY KEY,
    token_id    uuid NOT NULL REFERENCES api_tokens (id) ON DELETE CASCADE,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX stream_tickets_token ON stream_tickets (token_id);
CREATE INDEX stream_tickets_expires ON stream_tickets (expires_at);
