-- Keys by which a start that is repeated is recognised (the header Idempotency-Key), for a day. A key is
-- the caller's: those of others do not meet it.
CREATE TABLE start_keys (
    user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key          text NOT NULL,
    -- SHA-256 of what was asked for.
    request_hash text NOT NULL,
    -- The run that was created or joined. It may be gone before its key.
    run_id       uuid NOT NULL,
    joined       boolean NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, key)
);
CREATE INDEX start_keys_created ON start_keys (created_at);
