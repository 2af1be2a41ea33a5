-- Written by `cargo xtask schema` from people/erase_callers.sql.
-- $1 user: uuid
-- $2 after: uuid
-- $3 batch: int8
-- returns id: uuid
-- people.erase_callers
--
-- Walks the audit log in the order of its ids, a batch at a time, and empties where the requests of
-- a user came from, in a transaction that says that it erases (migration 41). Returns the last id of
-- the batch; none after the last one.
WITH batch AS (
    SELECT a.id, a.actor_id, a.address, a.user_agent
    FROM audit_events a
    WHERE a.id > $2
    ORDER BY a.id
    LIMIT $3
),
emptied AS (
    UPDATE audit_events d
    SET address = NULL, user_agent = NULL
    FROM batch b
    WHERE d.id = b.id AND b.actor_id = $1 AND num_nonnulls(b.address, b.user_agent) > 0
)
SELECT b.id FROM batch b ORDER BY b.id DESC LIMIT 1
