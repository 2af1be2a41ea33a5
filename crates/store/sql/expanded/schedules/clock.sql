-- Written by `cargo xtask schema` from schedules/clock.sql.
-- returns now: timestamptz
-- schedules.clock
--
-- The time from which the first due time of a schedule is counted.
SELECT statement_timestamp() AS now
