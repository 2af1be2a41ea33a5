-- Written by `cargo xtask schema` from system/forget_worker.sql.
-- $1 id: text
-- system.forget_worker
DELETE FROM workers w WHERE w.id = $1
