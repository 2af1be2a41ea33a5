-- schedules.clock
--
-- The time from which the first due time of a schedule is counted.
SELECT statement_timestamp() AS now
