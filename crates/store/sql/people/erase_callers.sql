-- people.erase_callers
--
-- Walks the audit log in the order of its ids, a batch at a time, and empties where the requests of
-- a user came from, in a transaction that says that it erases (migration 41). Returns the last id of
-- the batch; none after the last one.
WITH batch AS (
    SELECT a.id, a.actor_id, a.address, a.user_agent
    FROM audit_events a
    WHERE a.id > :after
    ORDER BY a.id
    LIMIT :batch
),
emptied AS (
    UPDATE audit_events d
    SET address = NULL, user_agent = NULL
    FROM batch b
    WHERE d.id = b.id AND b.actor_id = :user AND num_nonnulls(b.address, b.user_agent) > 0
)
SELECT b.id FROM batch b ORDER BY b.id DESC LIMIT 1
