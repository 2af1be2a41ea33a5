-- Written by `cargo xtask schema` from access/count_memberships.sql.
-- $1 user: uuid
-- returns count: int8
-- access.count_memberships
SELECT count(*) AS count FROM memberships m WHERE m.user_id = $1
