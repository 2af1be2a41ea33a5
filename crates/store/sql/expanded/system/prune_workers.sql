-- Written by `cargo xtask schema` from system/prune_workers.sql.
-- system.prune_workers
--
-- Forgets workers that were killed and have been silent for a day.
DELETE FROM workers w WHERE w.heartbeat_at < statement_timestamp() - interval '1 day'
