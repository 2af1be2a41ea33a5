-- system.report_worker
--
-- Records that a worker is there, and how it stands. What else it reports never changes.
INSERT INTO workers AS w (id, version, host, slots, draining)
VALUES (:id, :version, :host, :slots, :draining)
ON CONFLICT (id) DO UPDATE
SET draining = EXCLUDED.draining, heartbeat_at = clock_timestamp()
