-- Written by `cargo xtask schema` from people/find_writers.sql.
-- returns transaction: text
-- people.find_writers
--
-- Other transactions that write entries of the audit log or notifications now. Every user of the
-- database may read these columns of pg_locks.
SELECT DISTINCT l.virtualtransaction AS transaction
FROM pg_locks l
    JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
WHERE l.locktype = 'relation' AND l.mode = 'RowExclusiveLock' AND l.granted
    AND l.relation IN ('audit_events'::regclass, 'notifications'::regclass)
    AND l.pid IS DISTINCT FROM pg_backend_pid()
