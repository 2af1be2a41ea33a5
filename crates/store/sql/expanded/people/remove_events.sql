-- Written by `cargo xtask schema` from people/remove_events.sql.
-- $1 user: uuid
-- $2 batch: int8
-- people.remove_events
--
-- Removes a batch of the events that are for a user alone, and those that have no position yet, which are
-- few.
WITH pending AS (
    DELETE FROM pending_events d WHERE d.user_id = $1 AND d.personal
)
DELETE FROM events d
WHERE d.position = ANY (ARRAY(
    SELECT e.position FROM events e WHERE e.user_id = $1 AND e.personal LIMIT $2
))
