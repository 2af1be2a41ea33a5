-- events.lock
--
-- Waits for whoever numbers or prunes the log, and keeps others waiting until the transaction ends. What
-- follows in it is a statement of its own, so that it sees what the one before committed.
SELECT count(*) AS count FROM pg_advisory_xact_lock(:key)
