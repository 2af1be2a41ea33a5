-- Written by `cargo xtask schema` from system/report_worker.sql.
-- $1 id: text
-- $2 version: text
-- $3 host: text
-- $4 slots: int4
-- $5 draining: bool
-- system.report_worker
--
-- Records that a worker is there, and how it stands. What else it reports never changes.
INSERT INTO workers AS w (id, version, host, slots, draining)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE
SET draining = EXCLUDED.draining, heartbeat_at = clock_timestamp()
